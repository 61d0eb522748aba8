import type { Attempt, CalicoPolicy, LabPod, Party, Scenario, Target } from '../scenario.js';

/** A namespace that is closed first and then opened policy by policy; Calico asks them by order. */

const pod = (namespace: string, name: string, node: string, ip: string, labels: LabPod['labels']): LabPod => ({
  namespace,
  name,
  node,
  ip,
  labels,
  ports: [],
});

const client = (namespace: string): Party => ({ kind: 'pod', namespace, name: `${namespace}-client` });
const dev = client('development');
const test = client('test');
const other = client('default');
const whoami: Target = { kind: 'service', namespace: 'development', name: 'whoami-service' };
const dns: Target = { kind: 'service', namespace: 'kube-system', name: 'kube-dns' };

const outcome = (expect: 'allowed' | 'dropped') => ({
  expect,
  ...(expect === 'dropped' ? { cause: 'POLICY_DEFAULT_DENY' } : {}),
});
const wget = (from: Party, expect: 'allowed' | 'dropped'): Attempt => ({
  from,
  to: whoami,
  protocol: 'TCP',
  port: 80,
  ...outcome(expect),
});
const lookup = (from: Party, expect: 'allowed' | 'dropped'): Attempt => ({
  from,
  to: dns,
  protocol: 'UDP',
  port: 53,
  timeout: 2,
  ...outcome(expect),
});

const policy = (name: string, spec: CalicoPolicy['spec']): CalicoPolicy => ({
  kind: 'calico',
  namespace: 'development',
  name,
  spec: { tier: 'default', selector: 'all()', ...spec },
});

const defaultDeny = policy('default-deny', { order: 5000, types: ['Ingress', 'Egress'] });
const dnsAllow = policy('dns-allow', {
  order: 4000,
  types: ['Egress'],
  egress: [
    {
      action: 'Allow',
      protocol: 'UDP',
      destination: {
        selector: 'k8s-app == "kube-dns"',
        namespaceSelector: 'control-plane == "true"',
        ports: [53],
      },
    },
  ],
});
const developmentAllow = policy('development-ns-allow', {
  order: 500,
  types: ['Ingress', 'Egress'],
  ingress: [{ action: 'Allow', protocol: 'TCP', source: { namespaceSelector: 'env == "dev"' } }],
  egress: [{ action: 'Allow', protocol: 'TCP', destination: { namespaceSelector: 'env == "dev"' } }],
});
const testAllow = policy('test-ns-allow', {
  order: 600,
  types: ['Ingress'],
  ingress: [{ action: 'Allow', protocol: 'TCP', source: { namespaceSelector: 'env == "test"' } }],
});

export const aksCalicoOrder: Scenario = {
  name: 'aks-calico-order',
  cluster: 'aks-calico',
  dialect: 'calico-current',
  clusterCidr: '10.244.0.0/16',
  nodes: [
    { name: 'aks-agentpool-27511634-0', ip: '10.240.0.4', podCidr: '10.244.0.0/24' },
    { name: 'aks-agentpool-27511634-1', ip: '10.240.0.5', podCidr: '10.244.1.0/24' },
  ],
  namespaces: [
    { name: 'development', labels: { env: 'dev' } },
    { name: 'test', labels: { env: 'test' } },
    { name: 'default' },
    { name: 'kube-system', labels: { 'control-plane': 'true' } },
  ],
  pods: [
    {
      ...pod('development', 'whoami', 'aks-agentpool-27511634-1', '10.244.1.8', { app: 'whoami' }),
      ports: [{ port: 80 }],
    },
    pod('development', 'development-client', 'aks-agentpool-27511634-0', '10.244.0.9', { run: 'client' }),
    pod('test', 'test-client', 'aks-agentpool-27511634-0', '10.244.0.10', { run: 'client' }),
    pod('default', 'default-client', 'aks-agentpool-27511634-1', '10.244.1.11', { run: 'client' }),
    {
      ...pod('kube-system', 'coredns-6d5d4f5c9b-2lwzx', 'aks-agentpool-27511634-1', '10.244.1.2', {
        'k8s-app': 'kube-dns',
        'pod-template-hash': '6d5d4f5c9b',
      }),
      ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
      owner: { kind: 'ReplicaSet', name: 'coredns-6d5d4f5c9b' },
    },
  ],
  services: [
    {
      namespace: 'development',
      name: 'whoami-service',
      clusterIp: '10.10.10.18',
      selector: { app: 'whoami' },
      ports: [{ port: 80, targetPort: 80 }],
    },
    {
      namespace: 'kube-system',
      name: 'kube-dns',
      clusterIp: '10.10.10.10',
      selector: { 'k8s-app': 'kube-dns' },
      ports: [{ name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' }],
    },
  ],
  policies: [],
  objects: [],
  tiers: [],
  steps: [
    [lookup(dev, 'allowed'), wget(dev, 'allowed'), wget(test, 'allowed'), wget(other, 'allowed')],
    { apply: [defaultDeny] },
    [
      lookup(dev, 'dropped'),
      lookup(test, 'allowed'),
      wget(dev, 'dropped'),
      wget(test, 'dropped'),
      wget(other, 'dropped'),
    ],
    { apply: [dnsAllow] },
    [lookup(dev, 'allowed'), wget(dev, 'dropped')],
    { apply: [developmentAllow] },
    [lookup(dev, 'allowed'), wget(dev, 'allowed'), wget(test, 'dropped'), wget(other, 'dropped')],
    { apply: [testAllow] },
    [wget(dev, 'allowed'), wget(test, 'allowed'), wget(other, 'dropped')],
  ],
};
