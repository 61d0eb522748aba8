import type { Attempt, LabPod, Party, Scenario, Target } from '../scenario.js';

/**
 * Connections that fail, and whose cause is not (only) a policy, beside some that a policy stops and some that work.
 * The same small cluster for every dialect; what the kernel does differs, and is said per dialect.
 */

interface Outcomes {
  /** SYN+ACK without a connection, to a pod that a policy isolates. */
  readonly invalid: Attempt['expect'];
  readonly invalidCause?: string;
  readonly denied: 'dropped' | 'rejected';
  readonly noEndpoints: Attempt['expect'];
  /** A pod whose policy does not admit itself, through its own service. */
  readonly hairpin: Attempt['expect'];
  /** Through the port of another node: the client arrives with that node's address. */
  readonly nodePort: Attempt['expect'];
  readonly ping: Attempt['expect'];
  /** On a plain host the rule itself is the answer. */
  readonly denyCause?: string;
}

const CALICO: Outcomes = {
  invalid: 'dropped',
  denied: 'dropped',
  noEndpoints: 'rejected',
  hairpin: 'dropped',
  nodePort: 'dropped',
  ping: 'dropped',
};

// These accept before kube-proxy's reject is reached: the packet leaves by the default route and is never answered.
const ACCEPTS_EARLY: Outcomes = { ...CALICO, noEndpoints: 'failed' };

const OUTCOMES: Readonly<Record<string, Outcomes>> = {
  'calico-current': CALICO,
  'calico-old': ACCEPTS_EARLY,
  // Echo requests are always accepted there, and the pod's open egress already marks what comes back to itself.
  'kube-router': { ...ACCEPTS_EARLY, denied: 'rejected', hairpin: 'allowed', nodePort: 'rejected', ping: 'allowed' },
  'weave-npc': ACCEPTS_EARLY,
  'azure-npm': ACCEPTS_EARLY,
  plain: { ...ACCEPTS_EARLY, denyCause: 'OTHER_FIREWALL' },
};

const pod = (name: string, node: string, ip: string, ports: readonly number[]): LabPod => ({
  namespace: 'shop',
  name,
  node,
  ip,
  labels: { app: name },
  ports: ports.map((port) => ({ port })),
});

const party = (name: string): Party => ({ kind: 'pod', namespace: 'shop', name });
const service = (name: string): Target => ({ kind: 'service', namespace: 'shop', name });
const tcp = (from: Party, to: Target, port: number, expect: Attempt['expect'], cause?: string): Attempt => ({
  from,
  to,
  protocol: 'TCP',
  port,
  expect,
  timeout: 2.5,
  ...(cause === undefined ? {} : { cause }),
});

const outside: Party = { kind: 'outside', name: 'laptop' };
const N1: Party = { kind: 'node', name: 'n1' };

function steps(outcomes: Outcomes): Scenario['steps'] {
  const { invalid, denied, noEndpoints, hairpin, nodePort, ping } = outcomes;
  const invalidCause = outcomes.invalidCause ?? 'CT_INVALID';
  const icmp = { protocol: 'ICMP', timeout: 1.5 } as const;
  const deny = outcomes.denyCause ?? 'POLICY_DEFAULT_DENY';
  return [
    [tcp(party('client'), party('web'), 80, 'allowed'), tcp(party('client'), service('web'), 8080, 'allowed')],
    [tcp(outside, N1, 30_081, 'allowed')],
    [
      tcp(party('client'), party('open'), 81, 'failed', 'PORT_CLOSED'),
      tcp(party('other'), party('web'), 80, denied, deny),
      tcp(party('client'), party('web'), 81, denied, deny),
      tcp(party('web'), service('web'), 8080, hairpin, hairpin === 'allowed' ? undefined : deny),
      tcp(party('client'), service('empty'), 80, noEndpoints, 'NO_ENDPOINTS'),
    ],
    [
      tcp(outside, N1, 30_080, nodePort, deny),
      { ...tcp(party('client'), party('web'), 80, invalid, invalidCause), flags: ['SYN', 'ACK'] },
    ],
    [
      { from: party('other'), to: party('open'), ...icmp, expect: 'allowed' },
      { from: party('other'), to: party('web'), ...icmp, expect: ping, ...(ping === 'allowed' ? {} : { cause: deny }) },
      { from: party('other'), to: party('open'), protocol: 'UDP', port: 53, timeout: 1.5, expect: 'allowed' },
    ],
  ];
}

export const NOT_A_POLICY_DIALECTS = Object.keys(OUTCOMES);

/** The scenario in one dialect. */
export function notAPolicy(dialect: string): Scenario {
  const outcomes = OUTCOMES[dialect];
  if (!outcomes) throw new Error(`not-a-policy does not know ${dialect}`);
  return {
    name: `not-a-policy-${dialect}`,
    cluster: `not-a-policy-${dialect}`,
    dialect,
    clusterCidr: '10.244.0.0/16',
    nodes: [
      { name: 'n1', ip: '192.168.77.11', podCidr: '10.244.1.0/24' },
      { name: 'n2', ip: '192.168.77.12', podCidr: '10.244.2.0/24' },
    ],
    outside: [{ name: 'laptop', ip: '192.168.77.200' }],
    namespaces: [{ name: 'shop' }],
    pods: [
      pod('web', 'n2', '10.244.2.10', [80]),
      { ...pod('open', 'n2', '10.244.2.11', [80]), listens: [{ port: 80 }, { port: 53, protocol: 'UDP' }] },
      pod('client', 'n1', '10.244.1.10', []),
      pod('other', 'n2', '10.244.2.12', []),
    ],
    services: [
      {
        namespace: 'shop',
        name: 'web',
        clusterIp: '10.96.0.20',
        selector: { app: 'web' },
        ports: [{ port: 8080, targetPort: 80, nodePort: 30_080 }],
      },
      {
        namespace: 'shop',
        name: 'open',
        clusterIp: '10.96.0.22',
        selector: { app: 'open' },
        ports: [{ port: 80, targetPort: 80, nodePort: 30_081 }],
      },
      {
        namespace: 'shop',
        name: 'empty',
        clusterIp: '10.96.0.21',
        selector: { app: 'nobody' },
        ports: [{ port: 80, targetPort: 80 }],
      },
    ],
    policies: [
      {
        kind: 'kubernetes',
        namespace: 'shop',
        name: 'web-from-client',
        spec: {
          podSelector: { matchLabels: { app: 'web' } },
          policyTypes: ['Ingress'],
          ingress: [
            {
              from: [{ podSelector: { matchLabels: { app: 'client' } } }, { ipBlock: { cidr: '192.168.77.200/32' } }],
              ports: [{ protocol: 'TCP', port: 80 }],
            },
          ],
        },
      },
    ],
    steps: steps(outcomes),
  };
}
