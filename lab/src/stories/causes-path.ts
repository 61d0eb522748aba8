import { podObject } from '../cluster-objects.js';
import type { LabPod, PartyCommand, Scenario } from '../scenario.js';
import { address, causeStory, everyNode, fails, inShop, node, NODES, on, pod, tcp } from './cause-cluster.js';

/**
 * What no rule stopped (docs/causes.md): the host's routing and neighbours, limits, listeners and applications. Counters
 * of the nodes are read between the steps, since they name no packet. Conntrack counts bytes.
 */

const client = inShop('client');
const astray = inShop('astray');
const open = inShop('open');

const moved = { ...pod('moved', 'n2', '10.244.2.20', [{ port: 80 }]), unlisted: true };
const former: LabPod = { ...pod('former', 'n2', moved.ip), labels: { app: 'former' } };

const BRIEF =
  'sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_tcp_timeout_close=1 net.ipv4.conf.all.rp_filter=0';
const LIMIT =
  'iptables -I FORWARD 1 -d 10.244.2.11/32 -p tcp -m tcp --dport 81 --tcp-flags FIN,SYN,RST,ACK SYN ' +
  '-m connlimit --connlimit-above 1 --connlimit-mask 0 --connlimit-daddr -m comment --comment "one at a time" -j DROP';
/** A process of the node that never takes a connection from its queue of one. */
const BUSY = `python3 -c "import socket, time; s = socket.create_server(('', 9000), backlog=0); time.sleep(50)" >/dev/null 2>&1 &`;
const STALE_NEIGHBOUR =
  'dev=$(ip -o route get 10.244.2.20 | sed "s/.* dev \\([^ ]*\\).*/\\1/"); ' +
  'ip neigh replace 10.244.2.20 lladdr 02:00:00:00:00:99 dev $dev nud permanent';

/** Nothing is done, and the counters are read. */
const COUNTED: readonly PartyCommand[] = [];
const n2 = node('n2');

export const causesPath: Scenario = causeStory('causes-path', 'plain', {
  pods: [
    pod('client', 'n1', '10.244.1.10'),
    pod('astray', 'n1', '10.244.1.20'),
    pod('open', 'n2', '10.244.2.11', [{ port: 80 }, { port: 81 }]),
    pod('cut-off', 'n2', '10.244.2.13', [{ port: 80 }]),
    pod('mute', 'n2', '10.244.2.14', [{ port: 80, manner: 'silent' }]),
    pod('far', 'n3', '10.244.3.10', [{ port: 80 }]),
    moved,
  ],
  // Until the step that tells otherwise, another pod has that address.
  objects: [podObject(former, { nodes: NODES }, '2026-11-01T00:00:00Z')],
  setup: [
    ...everyNode(BRIEF),
    ...on(n2, LIMIT, `timeout 60 ${BUSY}`, 'ip route add blackhole 10.244.2.96/28', STALE_NEIGHBOUR),
    ...on(n2, 'ip link add away type bridge', 'ip link set away up', 'ip route replace 10.244.1.20/32 dev away'),
    ...on(n2, 'sysctl -qw net.ipv4.conf.eth0.rp_filter=1', 'ip route del default', 'ip route del 10.244.2.13/32'),
    ...on(node('n1'), 'ip route add 10.244.2.99/32 via 192.168.77.12', 'ip route add 10.244.3.99/32 via 192.168.77.13'),
  ],
  steps: [
    [
      tcp(client, open, 80, 43_001),
      tcp(client, open, 81, 43_002, { connection: 'hold' }),
      tcp(client, inShop('mute'), 80, 43_003, fails('APP_SLOW_OR_DEAD', 'failed')),
      tcp(client, open, 82, 43_004, fails('PORT_CLOSED', 'failed')),
      tcp(client, address('10.244.2.99'), 80, 43_005, fails('NO_ROUTE', 'failed')),
      tcp(client, address('10.244.3.99'), 80, 43_006, fails('POD_GONE', 'failed')),
    ],
    [tcp(client, open, 81, 43_007, fails('RATE_OR_CONN_LIMIT'))],
    { run: COUNTED },
    [tcp(astray, open, 80, 43_010, fails('RP_FILTER', 'failed'))],
    { run: COUNTED },
    [tcp(client, inShop('cut-off'), 80, 43_011, fails('NO_ROUTE', 'failed'))],
    { run: COUNTED },
    [tcp(client, n2, 9000, 43_012, { connection: 'hold' })],
    [tcp(client, n2, 9000, 43_013, fails('LISTEN_OVERFLOW', 'failed'))],
    {
      run: COUNTED,
      objects: [
        { type: 'DELETED', object: (created) => podObject(former, causesPath, created) },
        { type: 'ADDED', object: (_, now) => podObject(moved, causesPath, now) },
      ],
    },
    [tcp(client, inShop('moved'), 80, 43_014, fails('NEIGH_FAIL', 'failed'))],
    { run: COUNTED },
    // Frames to n3 go to nobody: what a security group of a cloud looks like from both nodes.
    { run: on(node('n1'), 'ip neigh replace 192.168.77.13 lladdr 02:00:00:00:00:98 dev eth0 nud permanent') },
    [tcp(client, inShop('far'), 80, 43_015, fails('CLOUD_SG_NACL', 'failed')), tcp(client, open, 80, 43_016)],
  ],
});
