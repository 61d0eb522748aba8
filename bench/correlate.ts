/**
 * A storm of like drops through the correlation, on one core: drops a second, and how often the policies were evaluated for
 * them. Clients differ in their source ports only, as replicas of one workload that try again and again do.
 * Build (`npx nest build --all`), then `node dist/bench/correlate.js [drops, 1000000]`.
 */
import { createHash } from 'node:crypto';
import { type ClusterHistory, type ClusterView, correlate, type Surroundings, type Witnesses } from '@whydrop/explain';
import type { ConnectionVerdict } from '@whydrop/model';
import type { PolicyEngine } from '@whydrop/policy';
import { captured, T0 } from '../libs/explain/src/fixture.js';

const DROPS = Number(process.argv[2] ?? 1_000_000);
/** Drops in one run of the correlation. */
const CHUNK = 20_000;

const OBJECTS = `
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

const ruleset = (packets: number) => `*filter
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

function logged(i: number): string {
  const [seconds, micros, port] = momentOf(i);
  return `timestamp=2026/11/20-22:40:00,raw.pktlen=60,raw.pktcount=1,oob.prefix=DPI|default,oob.time.sec=${seconds},oob.time.usec=${micros},oob.mark=0,oob.hook=2,oob.family=2,oob.protocol=2048,ip.protocol=6,ip.totlen=60,tcp.sport=${port},tcp.dport=8080,tcp.seq=${i},tcp.ack=0,tcp.psh=0,tcp.rst=0,tcp.syn=1,tcp.fin=0,oob.in=eth0,oob.out=${INTERFACE},ip.saddr.str=10.1.1.7,ip.daddr.str=10.1.2.9\n`;
}

function unanswered(i: number): string {
  const [seconds, micros, port] = momentOf(i);
  const ends = `src=10.1.1.7 dst=10.1.2.9 sport=${port} dport=8080 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=${port}`;
  return `[${seconds}.${String(micros).padStart(6, '0')}]\t    [NEW] tcp      6 120 SYN_SENT ${ends} id=${i}\n`;
}

/** Evidence of a run of drops: of a log and conntrack, or of conntrack and counters only. */
function witnesses(kind: 'logged' | 'counted', first: number): Witnesses {
  const all = Array.from({ length: CHUNK }, (_, i) => first + i);
  const n1 = { conntrack: all.map(unanswered).join('') };
  const n2 = kind === 'logged' ? { nflog: all.map(logged).join('') } : {};
  return captured(OBJECTS, { n1, n2 }).witnesses;
}

/** A history that counts evaluations: like questions are given the same one. */
function counting(history: ClusterHistory): { readonly history: ClusterHistory; evaluations(): number } {
  const verdicts = new Set<ConnectionVerdict>();
  const views = new WeakMap<ClusterView, ClusterView>();
  const wrap = (view: ClusterView): ClusterView => {
    const inner = view.engine;
    const engine: PolicyEngine = {
      ...inner,
      verdict: (query) => inner.verdict(query),
      evaluate: (query) => {
        const verdict = inner.evaluate(query);
        verdicts.add(verdict);
        return verdict;
      },
    };
    return Object.create(view, { engine: { value: engine } }) as ClusterView;
  };
  const at: ClusterHistory['at'] = (instant) => {
    const view = history.at(instant);
    const known = views.get(view) ?? wrap(view);
    views.set(view, known);
    return known;
  };
  return { history: { ...history, at }, evaluations: () => verdicts.size };
}

/** What is stored once for like drops: everything but evidence, sentence and the drop's own ends. */
function sharedPart({ drop }: ReturnType<typeof correlate>[number]): string {
  const { evidence: _evidence, sentence: _sentence, ...shared } = drop.explanation;
  return JSON.stringify(shared, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

function storm(kind: 'logged' | 'counted'): void {
  const complete = ['conntrack', 'iptables', 'nflog'];
  const seconds = Math.ceil(DROPS / 50_000) + 10;
  const rulesets = { 0: ruleset(0), [seconds]: ruleset(DROPS) };
  const { surroundings } = captured(OBJECTS, { n1: { complete }, n2: { complete, rulesets, addresses: [] } });
  const { history, evaluations } = counting(surroundings.history);
  const around: Surroundings = { ...surroundings, history };
  const explanations = new Set<string>();
  let [drops, milliseconds] = [0, 0];
  for (let first = 0; first < DROPS; first += CHUNK) {
    const seen = witnesses(kind, first);
    const began = process.cpuUsage();
    const found = correlate(seen, around);
    const { user, system } = process.cpuUsage(began);
    milliseconds += (user + system) / 1000;
    drops += found.length;
    for (let i = 0; i < found.length; i += 97) explanations.add(sharedPart(found[i] as (typeof found)[number]));
  }
  const rate = Math.round(drops / (milliseconds / 1000)).toLocaleString('en');
  const told = `${drops.toLocaleString('en')} drops, ${evaluations()} evaluations, ${explanations.size} explanations`;
  process.stdout.write(`${kind.padEnd(8)} ${told}, ${rate} drops a second and core\n`);
}

storm('logged');
storm('counted');
