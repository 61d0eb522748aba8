import { base32Hash } from '../dialects/base32.js';
import { podObject, sliceObject } from '../cluster-objects.js';
import type { Attempt, ObjectChange, Scenario } from '../scenario.js';
import {
  causeStory,
  NODES,
  address,
  fails,
  inShop,
  laptop,
  node,
  on,
  pod,
  selecting,
  service,
  tcp,
} from './cause-cluster.js';

/**
 * Services and addresses (docs/causes.md): rules that kube-proxy writes for a Service's own firewall, endpoints that are
 * gone while kube-proxy has not heard of it, and translations that a policy does not foresee.
 */

const client = inShop('client');
const web = inShop('web');

const LB_IP = '203.0.113.7';
const RANGED = base32Hash('shop/rangedtcp');
const comment = (text: string): string => `-m comment --comment "${text}"`;

/** As kube-proxy writes them: pkg/proxy/iptables/proxier.go, `loadBalancerSourceRanges` and traffic policy Local. */
const FIREWALL = [
  `iptables -t nat -N KUBE-FW-${RANGED}`,
  `iptables -t nat -I KUBE-SERVICES -d ${LB_IP}/32 -p tcp ${comment('shop/ranged loadbalancer IP')} -m tcp --dport 80 -j KUBE-FW-${RANGED}`,
  `iptables -t nat -A KUBE-FW-${RANGED} -s 198.51.100.0/24 ${comment('shop/ranged loadbalancer IP')} -j KUBE-SVC-${RANGED}`,
  `iptables -A KUBE-PROXY-FIREWALL -d ${LB_IP}/32 -p tcp ${comment('shop/ranged traffic not accepted by KUBE-FW-${RANGED}')} -m tcp --dport 80 -j DROP`,
  `iptables -A KUBE-EXTERNAL-SERVICES -p tcp ${comment('shop/local has no local endpoints')} -m addrtype --dst-type LOCAL -m tcp --dport 30090 -j DROP`,
];

const pods: Scenario['pods'] = [
  pod('client', 'n1', '10.244.1.10'),
  pod('other', 'n2', '10.244.2.12'),
  pod('web', 'n2', '10.244.2.10', [{ port: 80 }]),
  pod('open', 'n2', '10.244.2.11', [{ port: 80 }]),
  pod('leaving', 'n2', '10.244.2.20', []),
  pod('starting', 'n2', '10.244.2.21', []),
  pod('steady', 'n2', '10.244.2.22', []),
  pod('mute', 'n2', '10.244.2.23', [{ port: 53, protocol: 'UDP', manner: 'silent' }]),
];

const port80 = [{ port: 80, targetPort: 80 }];

const services: Scenario['services'] = [
  selecting('web', [{ port: 8080, targetPort: 80, nodePort: 30_080 }], '10.96.0.20'),
  {
    ...selecting('ranged', port80, '10.96.0.21'),
    selector: { app: 'open' },
    spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] },
    status: { loadBalancer: { ingress: [{ ip: LB_IP }] } },
  },
  {
    ...selecting('local', [], '10.96.0.22'),
    selector: { app: 'open' },
    spec: {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ port: 80, targetPort: 80, nodePort: 30_090, protocol: 'TCP' }],
    },
  },
  selecting('leaving', port80, '10.96.0.23'),
  selecting('starting', port80, '10.96.0.24'),
  selecting('steady', port80, '10.96.0.25'),
  selecting('mute', [{ port: 53, targetPort: 53, protocol: 'UDP' }], '10.96.0.26'),
  selecting('nobody', port80, '10.96.0.27'),
];

function podAt(name: string, change: (object: Record<string, unknown>, now: string) => object): ObjectChange {
  return {
    type: 'MODIFIED',
    object: (created, now) => {
      const spec = pods.find((each) => each.name === name);
      if (!spec) throw new Error(`no pod ${name}`);
      return { ...podObject(spec, causesService, created), ...change(podObject(spec, causesService, created), now) };
    },
  };
}

/** The slice of a service whose pods are not ready any more, or gone. */
function sliceAt(name: string, gone: boolean): ObjectChange {
  return {
    type: 'MODIFIED',
    object: (created) => {
      const own = services.find((each) => each.name === name);
      if (!own) throw new Error(`no service ${name}`);
      const slice = sliceObject(own, causesService, created);
      const conditions = { ready: false, serving: false, terminating: false };
      const endpoints = (slice['endpoints'] as readonly object[]).map((each) => ({ ...each, conditions }));
      const other = endpoints
        .slice(0, 1)
        .map((each) => ({ ...each, addresses: ['10.244.2.99'], conditions: { ready: true } }));
      return { ...slice, endpoints: gone ? other : endpoints };
    },
  };
}

const leaving = podAt('leaving', ({ metadata }, now) => ({
  metadata: { ...(metadata as object), deletionTimestamp: now, deletionGracePeriodSeconds: 30 },
}));

const ask = (sourcePort: number, more: Partial<Attempt>): Attempt => ({
  from: client,
  to: service('mute'),
  protocol: 'UDP',
  port: 53,
  sourcePort,
  timeout: 1,
  expect: 'failed',
  ...more,
});

export const causesService: Scenario = causeStory('causes-service', 'calico-current', {
  nodes: NODES.slice(0, 2),
  pods,
  services,
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
            ports: [{ protocol: 'TCP', port: 8080 }],
          },
        ],
      },
    },
  ],
  setup: [
    ...on(node('n1'), ...FIREWALL),
    ...on(node('n2'), ...FIREWALL),
    ...on(laptop, `ip route add ${LB_IP}/32 via 192.168.77.11 dev eth0`),
  ],
  before: [ask(42_020, {})],
  steps: [
    [
      tcp(laptop, node('n2'), 30_090, 42_001, fails('NO_LOCAL_ENDPOINT')),
      tcp(laptop, address(LB_IP), 80, 42_002, fails('LB_SOURCE_RANGE')),
      tcp(client, service('nobody'), 80, 42_003, fails('NO_ENDPOINTS', 'rejected')),
      tcp(client, service('web'), 8080, 42_004, fails('POLICY_DEFAULT_DENY')),
      tcp(laptop, node('n1'), 30_080, 42_005, fails('POLICY_DEFAULT_DENY')),
      tcp(web, service('web'), 8080, 42_006, fails('POLICY_DEFAULT_DENY')),
      tcp(client, service('ranged'), 80, 42_007),
      tcp(client, service('steady'), 80, 42_008, fails('PORT_CLOSED', 'failed')),
    ],
    { objects: [leaving, sliceAt('starting', false), sliceAt('mute', true)] },
    [
      tcp(client, service('leaving'), 80, 42_011, fails('ENDPOINT_NOT_READY', 'failed')),
      tcp(client, service('starting'), 80, 42_012, fails('ENDPOINT_NOT_READY', 'failed')),
      ask(42_020, { cause: 'CT_STALE_NAT' }),
    ],
  ],
});
