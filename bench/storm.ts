import { createHash } from 'node:crypto';
import { T0 } from '../libs/explain/src/fixture.js';

/** Two nodes, a client and a pod whose policy does not admit it. */
export const OBJECTS = `
apiVersion: v1
kind: Node
metadata: { name: n1 }
status: { addresses: [{ type: InternalIP, address: 192.168.0.1 }] }
---
apiVersion: v1
kind: Node
metadata: { name: n2 }
status: { addresses: [{ type: InternalIP, address: 192.168.0.2 }] }
---
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop, uid: u-client, labels: { app: client-2 } }
spec: { nodeName: n1, containers: [{ name: c }] }
status: { podIP: 10.1.1.7, phase: Running }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, uid: u-web, labels: { app: web } }
spec: { nodeName: n2, containers: [{ name: c, ports: [{ containerPort: 8080 }] }] }
status: { podIP: 10.1.2.9, phase: Running }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web-clients, namespace: shop, uid: u-policy, resourceVersion: "41" }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress:
  - from: [{ podSelector: { matchLabels: { app: client-1 } } }]
    ports: [{ port: 8080 }]
`;

const INTERFACE = `cali${createHash('sha1').update('shop.web').digest('hex').slice(0, 11)}`;

/** What the pod's node runs, after so many packets were dropped. */
export const ruleset = (packets: number) => `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:cali-tw-${INTERFACE} - [0:0]
[${packets}:${packets * 60}] -A FORWARD -o ${INTERFACE} -j cali-tw-${INTERFACE}
[0:0] -A cali-tw-${INTERFACE} -m comment --comment "cali:aaaaaaaaaaaaaaaa" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[0:0] -A cali-tw-${INTERFACE} -m comment --comment "cali:cccccccccccccccc" -m comment --comment "Start of tier default" -j MARK --set-xmark 0x0/0x20000
[${packets}:${packets * 60}] -A cali-tw-${INTERFACE} -m comment --comment "cali:dddddddddddddddd" -m mark --mark 0x0/0x20000 -j NFLOG --nflog-prefix "DPI|default" --nflog-group 1 --nflog-size 80
[${packets}:${packets * 60}] -A cali-tw-${INTERFACE} -m comment --comment "cali:bbbbbbbbbbbbbbbb" -m comment --comment "End of tier default. Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP
COMMIT
`;

/** Fifty thousand drops a second, source ports in turn: a port comes again after more than a second. */
function momentOf(i: number): readonly [seconds: number, micros: number, port: number] {
  const micros = i * 20;
  return [T0 / 1e6 + 1 + Math.floor(micros / 1e6), micros % 1e6, 1024 + (i % 60_000)];
}

/** The line by which the pod's node logs a drop. */
export function logged(i: number): string {
  const [seconds, micros, port] = momentOf(i);
  return `timestamp=2026/11/20-22:40:00,raw.pktlen=60,raw.pktcount=1,oob.prefix=DPI|default,oob.time.sec=${seconds},oob.time.usec=${micros},oob.mark=0,oob.hook=2,oob.family=2,oob.protocol=2048,ip.protocol=6,ip.totlen=60,tcp.sport=${port},tcp.dport=8080,tcp.seq=${i},tcp.ack=0,tcp.psh=0,tcp.rst=0,tcp.syn=1,tcp.fin=0,oob.in=eth0,oob.out=${INTERFACE},ip.saddr.str=10.1.1.7,ip.daddr.str=10.1.2.9\n`;
}

/** The line by which the client's node tells of the same attempt. */
export function unanswered(i: number): string {
  const [seconds, micros, port] = momentOf(i);
  const ends = `src=10.1.1.7 dst=10.1.2.9 sport=${port} dport=8080 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=${port}`;
  return `[${seconds}.${String(micros).padStart(6, '0')}]\t    [NEW] tcp      6 120 SYN_SENT ${ends} id=${i}\n`;
}
