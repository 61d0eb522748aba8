import { ended } from './cause-cases-policy.js';
import {
  calicoDrop,
  type CauseCase,
  CLIENT,
  cluster,
  FREE,
  FROM_CLIENT1,
  NODES,
  pod,
  PODS,
  policy,
  QUIET,
  service,
  SERVICES,
  slice,
  unanswered,
  WEB,
} from './cause-scene.js';

const N1 = '192.168.0.1';
const LAPTOP = '203.0.113.7';
const EMPTY = cluster(...NODES, ...PODS, service('empty', '10.96.0.12'), policy(FROM_CLIENT1));
const TO_FREE = { to: '10.96.0.11', dport: 80, backend: FREE, backendPort: 8080 };
const TO_WEB = { to: '10.96.0.10', dport: 80, backend: WEB, backendPort: 8080 };
const NODE_PORT = { from: LAPTOP, to: N1, dport: 30080, backend: WEB, backendPort: 8080, masquerade: N1 };
const LOST = { n1: { conntrack: unanswered(TO_FREE) }, n2: QUIET };
const notReady = (ready: boolean, more = '') =>
  cluster(
    ...NODES,
    pod('client', 'n1', CLIENT),
    pod('free', 'n2', FREE, more),
    service('free', '10.96.0.11'),
    slice('free', FREE, 'free', ready),
  );
const servicePort = policy('{ from: [{ podSelector: { matchLabels: { app: client } } }], ports: [{ port: 80 }] }');

/** Section B: services, NAT and addresses. */
export const SERVICE_CASES: readonly CauseCase[] = [
  {
    code: 'NO_ENDPOINTS',
    story: 'kube-proxy rejects: shop/empty has no endpoints',
    finds: 'NO_ENDPOINTS rejected observed',
    objects: EMPTY,
    nodes: {
      n1: ended(
        '-A KUBE-SERVICES -d 10.96.0.12/32 -p tcp -m comment --comment "shop/empty has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
        { to: '10.96.0.12', dport: 80 },
        { verdict: 'DROP' },
      ),
    },
  },
  {
    code: 'NO_ENDPOINTS',
    story: 'the packet leaves for the address of a service that has no endpoint',
    finds: 'NO_ENDPOINTS failed derived',
    objects: EMPTY,
    nodes: { n1: { conntrack: unanswered({ to: '10.96.0.12', dport: 80 }) } },
  },
  {
    code: 'NO_ENDPOINTS',
    near: true,
    story: 'the service has an endpoint, and its address was still not translated',
    finds: 'UNDECIDED unknown unknown',
    missing: 'not translated',
    nodes: { n1: { conntrack: unanswered({ to: '10.96.0.11', dport: 80 }) } },
  },
  {
    code: 'ENDPOINT_NOT_READY',
    story: 'the service still sends to a pod that is not ready',
    finds: 'ENDPOINT_NOT_READY failed derived',
    objects: notReady(false),
    nodes: LOST,
  },
  {
    code: 'ENDPOINT_NOT_READY',
    story: 'the service still sends to a pod that is terminating',
    finds: 'ENDPOINT_NOT_READY failed derived',
    objects: notReady(true, ', deletionTimestamp: "2026-11-20T22:39:50Z"'),
    nodes: LOST,
  },
  {
    code: 'ENDPOINT_NOT_READY',
    near: true,
    story: 'the pod is ready, and the packet is lost between the nodes',
    finds: 'CLOUD_SG_NACL failed derived',
    objects: notReady(true),
    nodes: LOST,
  },
  {
    code: 'NO_LOCAL_ENDPOINT',
    story: 'traffic policy Local, and n3 has no pod of web',
    finds: 'NO_LOCAL_ENDPOINT dropped observed',
    nodes: {
      n3: ended(
        '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "shop/web has no local endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP',
        {
          from: LAPTOP,
          to: '192.168.0.3',
          dport: 30080,
        },
      ),
    },
  },
  {
    code: 'NO_LOCAL_ENDPOINT',
    near: true,
    story: 'the same chain says that the service has no endpoints at all',
    finds: 'NO_ENDPOINTS dropped observed',
    nodes: {
      n3: ended(
        '-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "shop/web has no endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP',
        {
          from: LAPTOP,
          to: '192.168.0.3',
          dport: 30080,
        },
      ),
    },
  },
  {
    code: 'LB_SOURCE_RANGE',
    story: 'the laptop is outside loadBalancerSourceRanges',
    finds: 'LB_SOURCE_RANGE dropped observed',
    nodes: {
      n3: ended(
        '-A KUBE-PROXY-FIREWALL -d 198.51.100.9/32 -p tcp -m comment --comment "shop/web traffic not accepted by KUBE-FW-ABC" -m tcp --dport 80 -j DROP',
        {
          from: LAPTOP,
          to: '198.51.100.9',
          dport: 80,
        },
      ),
    },
  },
  {
    code: 'LB_SOURCE_RANGE',
    near: true,
    story: 'the laptop is let in, and the policy of web does not admit it',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: calicoDrop('web', { from: LAPTOP }) },
  },
  {
    code: 'CLIENT_HIDDEN_BY_SNAT',
    story: 'the laptop comes through the port of n1, whose conntrack tells of it',
    finds: 'POLICY_DEFAULT_DENY dropped observed + CLIENT_HIDDEN_BY_SNAT + DNAT_PORT',
    objects: cluster(...NODES, ...PODS, ...SERVICES, policy(`{ ports: [{ port: 30080 }] }`)),
    nodes: { n1: { conntrack: unanswered(NODE_PORT) }, n2: calicoDrop('web', { from: N1 }, 1.1) },
  },
  {
    code: 'CLIENT_HIDDEN_BY_SNAT',
    story: 'a node’s address comes to a published port, and nothing tells who is behind it',
    finds: 'POLICY_DEFAULT_DENY dropped observed + CLIENT_HIDDEN_BY_SNAT',
    missing: 'the client behind node n1',
    nodes: { n2: calicoDrop('web', { from: N1 }) },
  },
  {
    code: 'CLIENT_HIDDEN_BY_SNAT',
    near: true,
    story: 'the conntrack of n1 shows a connection of the node itself',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n1: { conntrack: unanswered({ from: N1 }) }, n2: calicoDrop('web', { from: N1 }, 1.1) },
  },
  {
    code: 'DNAT_PORT',
    story: 'the policy admits port 80, which the service has; the pod is reached at 8080',
    finds: 'POLICY_DEFAULT_DENY dropped observed + DNAT_PORT',
    objects: cluster(...NODES, ...PODS, ...SERVICES, servicePort),
    nodes: { n1: { conntrack: unanswered(TO_WEB) }, n2: calicoDrop('web', {}, 1.1) },
  },
  {
    code: 'DNAT_PORT',
    near: true,
    story: 'the same way, and the policy admits no client at any port',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n1: { conntrack: unanswered(TO_WEB) }, n2: calicoDrop('web', {}, 1.1) },
  },
  {
    code: 'HAIRPIN',
    story: 'web calls its own service, gets itself, and is judged by its own policy',
    finds: 'POLICY_DEFAULT_DENY dropped observed + HAIRPIN',
    nodes: { n2: calicoDrop('web', { from: WEB }) },
  },
  {
    code: 'HAIRPIN',
    near: true,
    story: 'another pod of the same node calls web',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: calicoDrop('web', { from: '10.1.2.7' }) },
  },
  {
    code: 'NODE_TO_POD',
    story: 'the kubelet of n2 probes web, and the plugin judges it',
    finds: 'POLICY_DEFAULT_DENY dropped observed + NODE_TO_POD',
    nodes: { n2: calicoDrop('web', { from: '192.168.0.2', in: '' }) },
  },
  {
    code: 'NODE_TO_POD',
    near: true,
    story: 'it is another node: nothing exempts it',
    finds: 'POLICY_DEFAULT_DENY dropped observed + CLIENT_HIDDEN_BY_SNAT',
    nodes: { n2: calicoDrop('web', { from: '192.168.0.3' }) },
  },
];
