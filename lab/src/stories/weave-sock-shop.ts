import type { Attempt, KubernetesPolicy, LabPod, Party, Scenario, Target } from '../scenario.js';

/** The sock shop under the early API: a namespace whose annotation closes it, policies that open single ports. */

const SHOP = 'sock-shop';

const pod = (name: string, node: string, ip: string, port: number): LabPod => ({
  namespace: SHOP,
  name,
  node,
  ip,
  labels: { name },
  ports: [{ port }],
});

const in_ = (name: string): Party => ({ kind: 'pod', namespace: SHOP, name });
const service = (name: string): Target => ({ kind: 'service', namespace: SHOP, name });
const probe: Party = { kind: 'pod', namespace: 'default', name: 'probe' };

const tcp = (from: Party, to: Target, port: number, expect: 'allowed' | 'dropped'): Attempt => ({
  from,
  to,
  protocol: 'TCP',
  port,
  expect,
  ...(expect === 'dropped' ? { cause: 'POLICY_DEFAULT_DENY' } : {}),
});

const named = (name: string) => ({ matchLabels: { name } });

function access(name: string, spec: Omit<KubernetesPolicy['spec'], 'policyTypes'>): KubernetesPolicy {
  return { kind: 'kubernetes', apiVersion: 'extensions/v1beta1', namespace: SHOP, name, spec };
}

const fromTo = (from: string, to: string, port: number): KubernetesPolicy =>
  access(`${to}-access`, {
    podSelector: named(to),
    ingress: [{ from: [{ podSelector: named(from) }], ports: [{ protocol: 'TCP', port }] }],
  });

export const weaveSockShop: Scenario = {
  name: 'weave-sock-shop',
  cluster: 'sock-shop',
  dialect: 'weave-npc-beta',
  clusterCidr: '10.32.0.0/12',
  nodes: [
    { name: 'worker1', ip: '10.132.0.11', podCidr: '10.32.0.0/16' },
    { name: 'worker2', ip: '10.132.0.12', podCidr: '10.40.0.0/16' },
  ],
  outside: [{ name: 'browser', ip: '10.132.0.200' }],
  namespaces: [
    {
      name: SHOP,
      annotations: { 'net.beta.kubernetes.io/network-policy': '{"ingress":{"isolation":"DefaultDeny"}}' },
    },
    { name: 'default' },
  ],
  pods: [
    pod('front-end', 'worker1', '10.32.0.7', 8079),
    pod('catalogue', 'worker2', '10.40.0.5', 80),
    pod('catalogue-db', 'worker1', '10.32.0.11', 3306),
    pod('user', 'worker2', '10.40.0.8', 80),
    pod('cortex', 'worker1', '10.32.0.20', 80),
    { ...pod('probe', 'worker2', '10.40.0.9', 80), namespace: 'default' },
  ],
  services: [
    {
      namespace: SHOP,
      name: 'front-end',
      clusterIp: '10.100.17.3',
      selector: { name: 'front-end' },
      ports: [{ port: 80, targetPort: 8079, nodePort: 30_001 }],
    },
    {
      namespace: SHOP,
      name: 'catalogue',
      clusterIp: '10.100.44.9',
      selector: { name: 'catalogue' },
      ports: [{ port: 80, targetPort: 80 }],
    },
    {
      namespace: SHOP,
      name: 'catalogue-db',
      clusterIp: '10.100.91.20',
      selector: { name: 'catalogue-db' },
      ports: [{ port: 3306, targetPort: 3306 }],
    },
  ],
  policies: [
    access('front-end-access', {
      podSelector: named('front-end'),
      ingress: [{ ports: [{ protocol: 'TCP', port: 8079 }] }],
    }),
    fromTo('front-end', 'catalogue', 80),
    fromTo('catalogue', 'catalogue-db', 3306),
    access('cortex-access', { podSelector: {}, ingress: [{ from: [{ podSelector: named('cortex') }] }] }),
  ],
  steps: [
    [
      tcp({ kind: 'outside', name: 'browser' }, { kind: 'node', name: 'worker1' }, 30_001, 'allowed'),
      tcp(in_('user'), service('front-end'), 80, 'allowed'),
      tcp(probe, in_('front-end'), 8079, 'allowed'),
      tcp(in_('front-end'), service('catalogue'), 80, 'allowed'),
      tcp(in_('catalogue'), service('catalogue-db'), 3306, 'allowed'),
      tcp(in_('cortex'), in_('catalogue'), 80, 'allowed'),
      tcp(in_('user'), probe, 80, 'allowed'),
    ],
    [
      tcp(in_('front-end'), service('catalogue-db'), 3306, 'dropped'),
      tcp(probe, in_('catalogue'), 80, 'dropped'),
      tcp(in_('front-end'), in_('user'), 80, 'dropped'),
    ],
    [
      tcp(in_('catalogue'), in_('user'), 80, 'dropped'),
      // The service's port 80 is 8079 at the pod, and that is what policies name.
      tcp(in_('user'), in_('front-end'), 80, 'dropped'),
      {
        from: probe,
        to: in_('front-end'),
        protocol: 'UDP',
        port: 8079,
        timeout: 1.5,
        expect: 'dropped',
        cause: 'POLICY_DEFAULT_DENY',
      },
    ],
  ],
};
