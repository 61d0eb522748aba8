import type { NodeFixture } from './fixture.js';
import { ended } from './cause-cases-policy.js';
import { calico, calicoDrop, type CauseCase, endOfTier, FREE, QUIET, steady, unanswered, WEB } from './cause-scene.js';

const TO_FREE = { n1: { conntrack: unanswered({ to: FREE }) } };
const kernel = (seconds: number, text: string) => `${1795214400 + seconds}.500000 n2 kernel: ${text}\n`;
const TCPEXT = (reverse: number) => `TcpExt: IPReversePathFilter ListenDrops\nTcpExt: ${reverse} 0\n`;
const IP = (none: number) => `Ip: Forwarding OutNoRoutes\nIp: 1 ${none}\n`;
const IPEXT = (none: number) => `IpExt: InNoRoutes InTruncatedPkts\nIpExt: ${none} 0\n`;
const SOFTNET = (dropped: number) =>
  `00003d3d 0000000${dropped} 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n`;
const RPF =
  '-A cali-PREROUTING -m comment --comment "cali:yRfItR7ZR09q4w8A" -m mark --mark 0x80000/0x80000 -m rpfilter --validmark --invert -j DROP';
const VXLAN = `-A cali-fw-${calico('client')} -p udp -m comment --comment "cali:IiguNRwZpAxnaUB2" -m comment --comment "Drop VXLAN encapped packets originating in workloads" -m multiport --dports 4789 -j DROP`;
const LIMIT = `-A cali-tw-${calico('web')} -m comment --comment "cali:limit" -m comment --comment "Drop packets over ingress packet rate limit" -m mark --mark 0x0/0x20 -j DROP`;
const UFW = '-A ufw-user-forward -s 10.1.1.7/32 -j DROP';
const blackhole = (destination: string) => [
  {
    destination,
    type: 'blackhole',
    table: 'main',
    gateway: undefined,
    device: undefined,
    source: undefined,
    metric: undefined,
  },
];

const LOGGED = `-A cali-tw-${calico('web')} -m mark --mark 0x0/0x20000 -j LOG --log-prefix "calico-packet: "`;

/** An ICMP error for web, logged and ended by web's policies. */
function unreachable(code: number): NodeFixture {
  const line = `calico-packet: IN=eth0 OUT=${calico('web')} SRC=10.1.1.7 DST=${WEB} LEN=88 TOS=0x00 TTL=63 ID=1 PROTO=ICMP TYPE=3 CODE=${code} `;
  return { kernelLog: kernel(1, line), rulesets: steady([LOGGED, endOfTier('web')], 1) };
}

const hubble = (reason: string) =>
  `${JSON.stringify({
    flow: {
      time: '2026-11-20T22:40:01Z',
      verdict: 'DROPPED',
      IP: { source: '10.1.1.7', destination: WEB },
      l4: { TCP: { source_port: 40001, destination_port: 8080, flags: { SYN: true } } },
      traffic_direction: 'INGRESS',
      node_name: 'n2',
      drop_reason_desc: reason,
    },
    time: '2026-11-20T22:40:01Z',
  })}\n`;

/** Section C: the host's stack and the way. */
export const PATH_CASES: readonly CauseCase[] = [
  {
    code: 'RP_FILTER',
    story: 'Calico’s rpfilter rule in raw drops it',
    finds: 'RP_FILTER dropped observed',
    nodes: { n1: ended(RPF, {}, { table: 'raw' }) },
  },
  {
    code: 'RP_FILTER',
    story: 'the kernel of n2 calls the packet martian, by its addresses',
    finds: 'RP_FILTER failed derived',
    nodes: {
      ...TO_FREE,
      n2: { ...QUIET, kernelLog: kernel(1, `IPv4: martian source ${FREE} from 10.1.1.7, on dev eth0`) },
    },
  },
  {
    code: 'RP_FILTER',
    story: 'IPReversePathFilter of n2 rises while the packet is lost there',
    finds: 'RP_FILTER failed derived',
    nodes: { ...TO_FREE, n2: { ...QUIET, counters: { 0: TCPEXT(3), 60: TCPEXT(4) } } },
  },
  {
    code: 'RP_FILTER',
    near: true,
    story: 'the martian was another’s packet, and the counter stands',
    finds: 'CLOUD_SG_NACL failed derived',
    nodes: {
      ...TO_FREE,
      n2: {
        ...QUIET,
        counters: { 0: TCPEXT(3), 60: TCPEXT(3) },
        kernelLog: kernel(1, 'IPv4: martian source 10.1.2.80 from 10.1.1.70, on dev eth0'),
      },
    },
  },
  {
    code: 'ANTI_SPOOF_ENCAP_UNKNOWN_IF',
    story: 'a pod sends VXLAN of its own',
    finds: 'ANTI_SPOOF_ENCAP_UNKNOWN_IF dropped observed',
    nodes: { n1: ended(VXLAN, { in: calico('client'), out: 'eth0', proto: 'UDP', dport: 4789 }) },
  },
  {
    code: 'ANTI_SPOOF_ENCAP_UNKNOWN_IF',
    near: true,
    story: 'the same port, ended by the policies of its destination',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: calicoDrop('web', { proto: 'UDP', dport: 4789 }) },
  },
  {
    code: 'NO_ROUTE',
    story: 'n2 has a blackhole route to the address, which no pod has any more',
    finds: 'NO_ROUTE failed derived',
    nodes: { n1: { conntrack: unanswered({ to: '10.1.2.77' }) }, n2: { ...QUIET, routes: blackhole('10.1.2.64/26') } },
  },
  {
    code: 'NO_ROUTE',
    story: 'OutNoRoutes of n2 rises while the packet is lost there',
    finds: 'NO_ROUTE failed derived',
    nodes: { ...TO_FREE, n2: { ...QUIET, counters: { 0: IP(1), 60: IP(3) } } },
  },
  {
    code: 'NO_ROUTE',
    story: 'InNoRoutes of n2 rises: that is how the kernel counts what it was to forward',
    finds: 'NO_ROUTE failed derived',
    nodes: { ...TO_FREE, n2: { ...QUIET, counters: { 0: IPEXT(0), 60: IPEXT(1) } } },
  },
  {
    code: 'NO_ROUTE',
    near: true,
    story: 'the blackhole is for another network: the address is nobody’s',
    finds: 'POD_GONE failed derived',
    nodes: { n1: { conntrack: unanswered({ to: '10.1.2.77' }) }, n2: { ...QUIET, routes: blackhole('10.1.2.128/26') } },
  },
  {
    code: 'NEIGH_FAIL',
    story: 'the neighbour table of n2 overflows while the pod’s node forwards and nobody answers',
    finds: 'NEIGH_FAIL failed derived',
    nodes: {
      ...TO_FREE,
      n2: {
        conntrack: unanswered({ to: FREE }, 1.1),
        kernelLog: kernel(2, 'neighbour: arp_cache: neighbor table overflow!'),
      },
    },
  },
  {
    code: 'NEIGH_FAIL',
    near: true,
    story: 'the table overflowed an hour ago',
    finds: 'UNDECIDED failed unknown',
    missing: 'what the pod did with it',
    nodes: {
      ...TO_FREE,
      n2: {
        conntrack: unanswered({ to: FREE }, 1.1),
        kernelLog: kernel(-3600, 'neighbour: arp_cache: neighbor table overflow!'),
      },
    },
  },
  {
    code: 'MTU',
    story: '"fragmentation needed" on its way to web is ended by web’s policies',
    finds: 'POLICY_DEFAULT_DENY dropped observed + MTU',
    nodes: { n2: unreachable(4) },
  },
  {
    code: 'MTU',
    near: true,
    story: '"port unreachable" is ended there too: that says nothing of sizes',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: unreachable(3) },
  },
  {
    code: 'NIC_QDISC_SOFTNET',
    story: 'n2 drops packets off its queues while this one is lost there',
    finds: 'NIC_QDISC_SOFTNET failed derived',
    nodes: { ...TO_FREE, n2: { ...QUIET, counters: { 0: SOFTNET(1), 60: SOFTNET(5) } } },
  },
  {
    code: 'NIC_QDISC_SOFTNET',
    near: true,
    story: 'a rule counted it: the queues lost others',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: { ...calicoDrop('web'), counters: { 0: SOFTNET(1), 60: SOFTNET(5) } } },
  },
  {
    code: 'OTHER_FIREWALL',
    story: 'ufw of n2 drops it',
    finds: 'OTHER_FIREWALL dropped observed',
    nodes: { n2: ended(UFW) },
  },
  {
    code: 'OTHER_FIREWALL',
    near: true,
    story: 'ufw runs on n2, and the end of the policies drops it',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: { ...calicoDrop('web'), rulesets: steady([UFW]) } },
  },
  {
    code: 'CLOUD_SG_NACL',
    story: 'n1 sent it and n2, captured without a gap, never saw it',
    finds: 'CLOUD_SG_NACL failed derived',
    nodes: { ...TO_FREE, n2: QUIET },
  },
  {
    code: 'CLOUD_SG_NACL',
    near: true,
    story: 'the conntrack of n2 has a gap: who knows',
    finds: 'UNDECIDED unknown unknown',
    missing: 'conntrack of node n2',
    nodes: { ...TO_FREE, n2: { ...QUIET, complete: ['iptables'] } },
  },
  {
    code: 'MESH_L7',
    story: 'Cilium wants mutual authentication that is missing',
    finds: 'MESH_L7 dropped observed',
    nodes: { n2: { flowLogs: { 'cilium-hubble': hubble('AUTH_REQUIRED') } } },
  },
  {
    code: 'MESH_L7',
    near: true,
    story: 'Cilium’s policies deny it',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: { flowLogs: { 'cilium-hubble': hubble('POLICY_DENIED') } } },
  },
  {
    code: 'RATE_OR_CONN_LIMIT',
    story: 'over the packet rate that Calico lets into web',
    finds: 'RATE_OR_CONN_LIMIT dropped observed',
    nodes: { n2: ended(LIMIT, { out: calico('web') }) },
  },
  {
    code: 'RATE_OR_CONN_LIMIT',
    near: true,
    story: 'the limit is there and lets it through to the policies',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: calicoDrop('web') },
  },
];
