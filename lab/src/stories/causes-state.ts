import type { Scenario } from '../scenario.js';
import { causeStory, everyNode, fails, inShop, node, on, pod, tcp } from './cause-cluster.js';

/**
 * What conntrack makes of packets (docs/causes.md): late, expired, unknown, an answer that is judged anew, one that
 * comes another way, and two connections that want the same translation. The operator drops INVALID packets and logs them.
 */

const client = inShop('client');
const open = inShop('open');
const dns = inShop('dns');

const LOG_INVALID =
  'iptables -I FORWARD 2 -m conntrack --ctstate INVALID -m comment --comment "log invalid" ' +
  '-j NFLOG --nflog-prefix "invalid:deny" --nflog-group 100';

/** Entries go soon after their connection is closed. */
const BRIEF = ['time_wait', 'close', 'last_ack', 'fin_wait', 'close_wait'].map(
  (state) => `net.netfilter.nf_conntrack_tcp_timeout_${state}=1`,
);

export const causesState: Scenario = causeStory('causes-state', 'plain', {
  pods: [
    pod('client', 'n1', '10.244.1.10'),
    pod('open', 'n2', '10.244.2.11', [{ port: 80 }, { port: 81 }]),
    pod('dns', 'n2', '10.244.2.12', [{ port: 53, protocol: 'UDP', manner: 'late' }]),
  ],
  policies: [
    {
      kind: 'kubernetes',
      namespace: 'shop',
      name: 'dns-calls-nobody',
      spec: { podSelector: { matchLabels: { app: 'dns' } }, policyTypes: ['Egress'], egress: [] },
    },
  ],
  setup: [
    ...everyNode(`sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 ${BRIEF.join(' ')}`, LOG_INVALID),
    ...on(node('n1'), 'sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=2'),
    ...on(
      node('n2'),
      'iptables -t nat -A POSTROUTING -d 10.244.2.11/32 -p tcp -m tcp --dport 81 -j SNAT --to-source 192.168.77.12:40000',
    ),
  ],
  steps: [
    [
      tcp(client, open, 80, 41_001),
      tcp(client, open, 80, 41_004, { connection: 'hold' }),
      tcp(client, open, 81, 41_008, { connection: 'hold' }),
      tcp(client, open, 80, 41_005, { ...fails('CT_INVALID'), flags: ['ACK'] }),
      tcp(client, open, 80, 41_006, { ...fails('CT_INVALID'), flags: ['SYN', 'ACK'] }),
      { from: client, to: dns, protocol: 'UDP', port: 53, sourcePort: 41_010, timeout: 2, expect: 'allowed' },
    ],
    { wait: 2 },
    [
      tcp(client, open, 80, 41_001, { ...fails('LATE_AFTER_CLOSE'), flags: ['FIN', 'ACK'] }),
      tcp(client, open, 80, 41_004, { ...fails('IDLE_EXPIRED'), connection: 'resume' }),
      tcp(client, open, 81, 41_009, fails('CT_INSERT_FAILED', 'failed')),
    ],
    {
      run: on(node('n2'), '(for i in $(seq 30); do sleep 0.1; conntrack -D -p udp --dport 53; done) >/dev/null 2>&1 &'),
    },
    [
      {
        ...{ from: client, to: dns, protocol: 'UDP', port: 53, sourcePort: 41_011, timeout: 2 },
        ...fails('REVERSED_REPLY'),
        expect: 'dropped',
      },
    ],
    { run: on(node('n2'), 'ip route replace 10.244.1.10/32 via 192.168.77.13 dev eth0') },
    [tcp(client, open, 80, 41_007, fails('ASYMMETRIC'))],
    { run: on(node('n2'), 'ip route replace 10.244.1.10/32 via 192.168.77.11 dev eth0') },
    [tcp(client, open, 80, 41_001)],
  ],
});
