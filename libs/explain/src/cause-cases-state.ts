import {
  calicoDrop,
  type CauseCase,
  CLIENT,
  cluster,
  ct,
  FREE,
  INVALID,
  NODES,
  PODS,
  policy,
  QUIET,
  SERVICES,
  steady,
  traced,
  unanswered,
  WEB,
} from './cause-scene.js';

const ANSWER = { from: FREE, to: CLIENT, sport: 8080, dport: 40001, flags: 'ACK SYN' };
const DNS = { proto: 'UDP' as const, sport: 5353, dport: 8080 };
const TO_SERVICE = { to: '10.96.0.11', dport: 80, backend: FREE, backendPort: 8080 };
const invalid = (packet: object) => ({ trace: traced(2, packet, INVALID), rulesets: steady([INVALID], 1) });

const established = (end: number, state: string) =>
  ct(0.1, 'NEW', 'SYN_SENT', 'UNREPLIED') +
  ct(0.2, 'UPDATE', 'ESTABLISHED', 'ASSURED') +
  (state === 'TIME_WAIT' ? ct(0.5, 'UPDATE', 'FIN_WAIT', 'ASSURED') : '') +
  ct(end, 'DESTROY', state, 'ASSURED');

const STATS = (drop: number, failed: number) =>
  `cpu=0   	found=0 invalid=0 insert=0 insert_failed=${failed} drop=${drop} early_drop=0 error=0 search_restart=0 clash_resolve=0 chaintoolong=0 \n`;

/** Section A: what conntrack knew of the packet. */
export const STATE_CASES: readonly CauseCase[] = [
  {
    code: 'CT_INVALID',
    story: 'kube-proxy drops an ACK of a connection that no node knows',
    finds: 'CT_INVALID dropped observed',
    nodes: { n2: invalid({ flags: 'ACK' }) },
  },
  {
    code: 'CT_INVALID',
    near: true,
    story: 'the rule for INVALID stands there and counts others; the SYN dies at the end of the policies',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: calicoDrop('web') },
  },
  {
    code: 'LATE_AFTER_CLOSE',
    story: 'a FIN is repeated after its connection was closed on both sides',
    finds: 'LATE_AFTER_CLOSE dropped observed',
    nodes: { n2: { ...calicoDrop('web', { flags: 'ACK FIN' }, 20), conntrack: established(10, 'TIME_WAIT') } },
  },
  {
    code: 'LATE_AFTER_CLOSE',
    near: true,
    story: 'a new SYN on the same ports after the old connection was closed is judged by the policies',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    nodes: { n2: { ...calicoDrop('web', {}, 20), conntrack: established(10, 'TIME_WAIT') } },
  },
  {
    code: 'IDLE_EXPIRED',
    story: 'data comes on a connection whose entry was quiet until its timeout',
    finds: 'IDLE_EXPIRED dropped observed',
    nodes: { n2: { ...calicoDrop('web', { flags: 'ACK PSH' }, 500), conntrack: established(480, 'ESTABLISHED') } },
  },
  {
    code: 'IDLE_EXPIRED',
    story: 'the next data finds the expired entry, which goes some µs after it, as kernels do it',
    finds: 'IDLE_EXPIRED dropped observed',
    nodes: { n2: { ...calicoDrop('web', { flags: 'ACK PSH' }, 12), conntrack: established(12.0001, 'ESTABLISHED') } },
  },
  {
    code: 'IDLE_EXPIRED',
    near: true,
    story: 'the same after its FIN: it had been closed, not idle',
    finds: 'LATE_AFTER_CLOSE dropped observed',
    nodes: { n2: { ...calicoDrop('web', { flags: 'ACK PSH' }, 500), conntrack: established(480, 'TIME_WAIT') } },
  },
  {
    code: 'REVERSED_REPLY',
    story: 'the SYN+ACK of free is judged as a new connection to client, though n1 has its request',
    finds: 'REVERSED_REPLY dropped observed',
    nodes: { n1: calicoDrop('client', ANSWER, 1.1), n3: { conntrack: unanswered({ to: FREE }) } },
  },
  {
    code: 'REVERSED_REPLY',
    near: true,
    story: 'web itself opens a connection to client from a high port',
    finds: 'POLICY_DEFAULT_DENY dropped observed',
    objects: cluster(...NODES, ...PODS, ...SERVICES, policy('', 'closed', 'client')),
    nodes: { n1: calicoDrop('client', { from: WEB, to: CLIENT, sport: 40001, dport: 8080 }, 1.1) },
  },
  {
    code: 'CT_TABLE_FULL',
    story: 'the kernel of n2 says that its table is full while a SYN to free gets lost there',
    finds: 'CT_TABLE_FULL failed derived',
    nodes: {
      n1: { conntrack: unanswered({ to: FREE }) },
      n2: {
        ...QUIET,
        kernelLog: '1795214401.500000 n2 kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n',
      },
    },
  },
  {
    code: 'CT_TABLE_FULL',
    near: true,
    story: 'the table was full ten minutes before',
    finds: 'CLOUD_SG_NACL failed derived',
    nodes: {
      n1: { conntrack: unanswered({ to: FREE }) },
      n2: {
        ...QUIET,
        kernelLog: '1795213801.500000 n2 kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n',
      },
    },
  },
  {
    code: 'CT_INSERT_FAILED',
    story: 'insert_failed of n2 rises while the packet gets lost there and no rule counts it',
    finds: 'CT_INSERT_FAILED failed derived',
    nodes: {
      n1: { conntrack: unanswered({ to: FREE }) },
      n2: { ...QUIET, counters: { 0: STATS(0, 3), 60: STATS(0, 5) } },
    },
  },
  {
    code: 'CT_INSERT_FAILED',
    story: 'drop of n2 rises by as much as insert_failed: a clash counts as both',
    finds: 'CT_INSERT_FAILED failed derived',
    nodes: {
      n1: { conntrack: unanswered({ to: FREE }) },
      n2: { ...QUIET, counters: { 0: STATS(0, 3), 60: STATS(2, 5) } },
    },
  },
  {
    code: 'CT_INSERT_FAILED',
    near: true,
    story: 'insert_failed stands at an old number',
    finds: 'CLOUD_SG_NACL failed derived',
    nodes: {
      n1: { conntrack: unanswered({ to: FREE }) },
      n2: { ...QUIET, counters: { 0: STATS(0, 3), 60: STATS(0, 3) } },
    },
  },
  {
    code: 'CT_STALE_NAT',
    story: 'an old UDP entry still translates the service to an address that is no endpoint of it',
    finds: 'CT_STALE_NAT failed derived',
    nodes: { n1: { conntrack: ct(1, 'NEW', '', 'UNREPLIED', { ...DNS, ...TO_SERVICE, backend: '10.1.2.66' }) } },
  },
  {
    code: 'CT_STALE_NAT',
    near: true,
    story: 'a datagram to a current endpoint that nobody answers is no failure',
    finds: 'nothing',
    nodes: {
      n1: { conntrack: ct(1, 'NEW', '', 'UNREPLIED', { ...DNS, ...TO_SERVICE }) },
      n2: { ...QUIET, conntrack: ct(1.1, 'NEW', '', 'UNREPLIED', { ...DNS, to: FREE }) },
    },
  },
  {
    code: 'ASYMMETRIC',
    story: 'n3 drops the SYN+ACK as INVALID: the SYN went another way, through n1',
    finds: 'ASYMMETRIC dropped observed',
    nodes: { n1: { conntrack: unanswered({ to: FREE }) }, n3: invalid(ANSWER) },
  },
  {
    code: 'ASYMMETRIC',
    near: true,
    story: 'n1 has the SYN itself and still calls its answer INVALID',
    finds: 'CT_INVALID dropped observed',
    nodes: { n1: { ...invalid(ANSWER), conntrack: unanswered({ to: FREE }) }, n2: QUIET },
  },
];
