import type {
  Attempt,
  KubernetesPolicy,
  LabPod,
  LabService,
  Party,
  PolicyPeer,
  Scenario,
  Target,
} from '../scenario.js';

/**
 * A database that only the API may reach, and the trap of one dash: the peer of its policy is one item with two
 * selectors. At the end it is written as two items, and then lets in more than wanted.
 */

type Namespace = 'frontend' | 'backend';

function pod(namespace: Namespace, app: string, suffix: string, node: string, ip: string): LabPod {
  const set = `${app}-6c9f5d7b84`;
  return {
    namespace,
    name: `${set}-${suffix}`,
    node,
    ip,
    labels: { app, 'pod-template-hash': '6c9f5d7b84' },
    ports: [{ port: 80 }],
    owner: { kind: 'ReplicaSet', name: set },
  };
}

const service = (namespace: Namespace, name: string, clusterIp: string): LabService => ({
  namespace,
  name,
  clusterIp,
  selector: { app: name },
  ports: [{ port: 80, targetPort: 80 }],
});

const at = (namespace: Namespace, app: string, suffix: string): Party => ({
  kind: 'pod',
  namespace,
  name: `${app}-6c9f5d7b84-${suffix}`,
});
const db1 = at('backend', 'db', 'x7k2p');
const db2 = at('backend', 'db', 'qq9zl');
const imposter = at('backend', 'api', 'm4d8s');
const api = at('frontend', 'api', 'tc5vn');
const app1 = at('frontend', 'app', 'b6hwf');
const app2 = at('frontend', 'app', 'zr3jd');
const visitor = at('frontend', 'visitor', 'k2m7t');
const vm: Party = { kind: 'outside', name: 'vm' };
const dbService: Target = { kind: 'service', namespace: 'backend', name: 'db' };
const apiService: Target = { kind: 'service', namespace: 'frontend', name: 'api' };

const tcp = (from: Party, to: Target, expect: 'allowed' | 'dropped'): Attempt => ({
  from,
  to,
  protocol: 'TCP',
  port: 80,
  expect,
  ...(expect === 'dropped' ? { cause: 'POLICY_DEFAULT_DENY' } : {}),
});

const app = (name: string) => ({ matchLabels: { app: name } });
const namespace = (name: string) => ({ matchLabels: { tier: name } });
const vnet: PolicyPeer = { ipBlock: { cidr: '10.240.0.0/16' } };

const dbPolicy = (from: readonly PolicyPeer[]): KubernetesPolicy => ({
  kind: 'kubernetes',
  namespace: 'backend',
  name: 'db-policy',
  spec: {
    podSelector: app('db'),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from, ports: [{ protocol: 'TCP', port: 80 }] }],
  },
});

const frontPolicy = (name: string, to: PolicyPeer): KubernetesPolicy => ({
  kind: 'kubernetes',
  namespace: 'frontend',
  name: `${name}-policy`,
  spec: {
    podSelector: app(name),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [vnet] }],
    egress: [{ to: [to] }],
  },
});

export const aksNpmFrontendBackend: Scenario = {
  name: 'aks-npm-frontend-backend',
  cluster: 'aks-npm',
  dialect: 'azure-npm',
  clusterCidr: '10.240.0.0/16',
  nodes: [
    { name: 'aks-nodepool1-14839283-0', ip: '10.240.0.4', podCidr: '10.240.0.0/27' },
    { name: 'aks-nodepool1-14839283-1', ip: '10.240.0.35', podCidr: '10.240.0.32/27' },
  ],
  outside: [{ name: 'vm', ip: '10.240.8.4' }],
  namespaces: [
    { name: 'frontend', labels: { tier: 'frontend' } },
    { name: 'backend', labels: { tier: 'backend' } },
  ],
  pods: [
    pod('backend', 'db', 'x7k2p', 'aks-nodepool1-14839283-0', '10.240.0.10'),
    pod('backend', 'db', 'qq9zl', 'aks-nodepool1-14839283-1', '10.240.0.41'),
    pod('backend', 'api', 'm4d8s', 'aks-nodepool1-14839283-1', '10.240.0.42'),
    pod('frontend', 'api', 'tc5vn', 'aks-nodepool1-14839283-1', '10.240.0.43'),
    pod('frontend', 'app', 'b6hwf', 'aks-nodepool1-14839283-0', '10.240.0.11'),
    pod('frontend', 'app', 'zr3jd', 'aks-nodepool1-14839283-1', '10.240.0.44'),
    pod('frontend', 'visitor', 'k2m7t', 'aks-nodepool1-14839283-0', '10.240.0.12'),
  ],
  services: [service('backend', 'db', '10.0.61.12'), service('frontend', 'api', '10.0.140.77')],
  policies: [
    dbPolicy([{ namespaceSelector: namespace('frontend'), podSelector: app('api') }]),
    frontPolicy('app', { podSelector: app('api') }),
    frontPolicy('api', { namespaceSelector: namespace('backend') }),
  ],
  steps: [
    [
      tcp(api, db1, 'allowed'),
      tcp(api, db2, 'allowed'),
      tcp(api, dbService, 'allowed'),
      tcp(vm, api, 'allowed'),
      tcp(vm, app1, 'allowed'),
      tcp(app1, apiService, 'allowed'),
      tcp(app2, api, 'allowed'),
    ],
    [tcp(vm, db1, 'dropped'), tcp(app1, db1, 'dropped'), tcp(app2, dbService, 'dropped'), tcp(db1, api, 'dropped')],
    [tcp(imposter, db2, 'dropped'), tcp(visitor, db2, 'dropped'), tcp(api, app2, 'dropped'), tcp(app1, vm, 'dropped')],
    { apply: [dbPolicy([{ namespaceSelector: namespace('frontend') }, { podSelector: app('api') }])] },
    [tcp(api, db1, 'allowed'), tcp(visitor, db2, 'allowed'), tcp(imposter, db2, 'allowed'), tcp(vm, db2, 'dropped')],
  ],
};
