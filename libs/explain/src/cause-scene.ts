import { createHash } from 'node:crypto';
import type { Cause } from '@whydrop/model';
import { correlate } from './correlate.js';
import { at, captured, type NodeFixture, type ObjectAt } from './fixture.js';

/**
 * The small cluster in which causes are told apart, and the lines that its nodes print. Node n1 has `client`, node n2 has
 * `web` (which admits app=client-1 only), `free` (no policy) and `other`; n3 has no pod. Service `web` and `free`: 80 -> 8080.
 */
export interface CauseCase {
  readonly code: Cause;
  /** One line of story. */
  readonly story: string;
  /** What is answered: `CODE verdict basis`, contributing codes after a `+`; `nothing` when no drop is told. */
  readonly finds: string;
  /** It looks like the code and is something else. */
  readonly near?: true;
  readonly nodes: Readonly<Record<string, NodeFixture>>;
  readonly objects?: string;
  readonly later?: readonly ObjectAt[];
  /** Words that the list of missing facts must hold. */
  readonly missing?: string;
}

/** Every answer to a case, as a case words it. */
export function answersOf({ nodes, objects = CLUSTER, later }: CauseCase) {
  const { witnesses, surroundings } = captured(objects, nodes, later);
  return correlate(witnesses, surroundings).map(({ drop }) => drop);
}

/** A running pod `shop/NAME` with the label app=NAME, listening on 8080. */
export function pod(name: string, node: string, ip: string, more = ''): string {
  return `apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, uid: u-${name}, labels: { app: ${name} }${more} }
spec: { nodeName: ${node}, containers: [{ name: c, ports: [{ containerPort: 8080 }] }] }
status: { podIP: ${ip}, phase: Running }
`;
}

/** The EndpointSlice of a service with one address, ready or not. */
export function slice(service: string, ip: string, name: string, ready = true): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${service}-1, namespace: shop, labels: { kubernetes.io/service-name: ${service} } }
ports: [{ port: 8080, protocol: TCP }, { port: 8080, protocol: UDP }]
endpoints: [{ addresses: [${ip}], conditions: { ready: ${ready} }, targetRef: { kind: Pod, name: ${name} } }]
`;
}

/** Service `shop/NAME`, 80 -> 8080 over TCP and UDP, node port 30080. */
export function service(name: string, ip: string, more = ''): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: ${ip}, type: NodePort, selector: { app: ${name} }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }, { name: u, port: 80, targetPort: 8080, protocol: UDP }]${more} }
`;
}

const node = (name: string, number: number) => `apiVersion: v1
kind: Node
metadata: { name: ${name} }
spec: { podCIDR: 10.1.${number}.0/24 }
status: { addresses: [{ type: InternalIP, address: 192.168.0.${number} }] }
`;

/** A policy on pods with app=APP that admits what `from` says, one entry of its ingress list. */
export function policy(from: string, name = 'web-clients', app = 'web'): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: shop, uid: u-${name}, resourceVersion: "41" }
spec: { podSelector: { matchLabels: { app: ${app} } }, policyTypes: [Ingress], ingress: [${from}] }
`;
}

export const FROM_CLIENT1 = '{ from: [{ podSelector: { matchLabels: { app: client-1 } } }], ports: [{ port: 8080 }] }';
export const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n';

/** Documents of one cluster. */
export function cluster(...documents: readonly string[]): string {
  return documents.join('---\n');
}

export const NODES = [node('n1', 1), node('n2', 2), node('n3', 3), NAMESPACE];
export const PODS = [
  pod('client', 'n1', '10.1.1.7'),
  pod('web', 'n2', '10.1.2.9'),
  pod('free', 'n2', '10.1.2.8'),
  pod('other', 'n2', '10.1.2.7'),
];
export const SERVICES = [
  service('web', '10.96.0.10'),
  service('free', '10.96.0.11'),
  slice('web', '10.1.2.9', 'web'),
  slice('free', '10.1.2.8', 'free'),
];
export const CLUSTER = cluster(...NODES, ...PODS, ...SERVICES, policy(FROM_CLIENT1));

export const CLIENT = '10.1.1.7';
export const WEB = '10.1.2.9';
export const FREE = '10.1.2.8';

/** Calico's interface of a pod. */
export function calico(name: string): string {
  return `cali${createHash('sha1').update(`shop.${name}`).digest('hex').slice(0, 11)}`;
}

export interface Packet {
  readonly from?: string;
  readonly to?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly proto?: 'TCP' | 'UDP';
  readonly flags?: string;
  readonly in?: string;
  readonly out?: string;
  readonly more?: string;
}

function ports({ from = CLIENT, to = WEB, sport = 40001, dport = 8080 }: Packet): string {
  return `src=${from} dst=${to} sport=${sport} dport=${dport}`;
}

export interface Entry extends Packet {
  /** Where the answer comes from, behind DNAT. */
  readonly backend?: string;
  readonly backendPort?: number;
  /** Whom the answer goes to, behind SNAT. */
  readonly masquerade?: string;
  readonly packets?: readonly [string, string];
}

/** A line of `conntrack -E -o timestamp`. */
export function ct(
  seconds: number,
  event: 'NEW' | 'UPDATE' | 'DESTROY',
  state: string,
  marks: '' | 'UNREPLIED' | 'ASSURED',
  entry: Entry = {},
): string {
  const { proto = 'TCP', backend, backendPort, masquerade, packets } = entry;
  const { from = CLIENT, to = WEB, sport = 40001, dport = 8080 } = entry;
  const head = proto === 'TCP' ? `tcp      6 ${event === 'DESTROY' ? '' : '120 '}${state}` : 'udp      17 30';
  const reply = `src=${backend ?? to} dst=${masquerade ?? from} sport=${backendPort ?? dport} dport=${sport}`;
  const [sent, got] = packets ?? ['', ''];
  const unreplied = marks === 'UNREPLIED' ? '[UNREPLIED] ' : '';
  const assured = marks === 'ASSURED' ? '[ASSURED] ' : '';
  const join = (text: string) => (text === '' ? '' : `${text} `);
  return `[${at(seconds)}]\t${`[${event}]`.padStart(9)} ${head} ${ports(entry)} ${join(sent)}${unreplied}${reply} ${join(got)}${assured}id=1\n`;
}

/** An attempt as its source's node shows it when nobody answers. */
export function unanswered(entry: Entry = {}, seconds = 1): string {
  return ct(seconds, 'NEW', 'SYN_SENT', 'UNREPLIED', entry);
}

/** A packet that the kernel traced to the rule that ended it. */
export function traced(seconds: number, packet: Packet, rule: string, verdict = 'DROP', table = 'filter'): string {
  const { from = CLIENT, to = WEB, sport = 40001, dport = 8080, proto = 'TCP', flags = 'SYN' } = packet;
  const chain = /^-A (\S+)/.exec(rule)?.[1] ?? '';
  const words = proto === 'UDP' ? 'PROTO=UDP ' : '';
  const port = packet.more ?? `${words}SPORT=${sport} DPORT=${dport} ${proto === 'TCP' ? `${flags} ` : ''}`;
  const ends = `${packet.in === '' ? '' : `IN=${packet.in ?? 'eth0'} `}${packet.out === undefined ? '' : `OUT=${packet.out} `}`;
  return [
    `${at(seconds)} PACKET: 2 1a2b3c4d ${ends}MACPROTO=0800 SRC=${from} DST=${to} LEN=60 TOS=0x0 TTL=63 ID=3693 DF ${port}`,
    `${at(seconds)}  TRACE: 2 1a2b3c4d ${table}:${chain}:rule:0x7:${verdict}  -4 -t ${table} ${rule}`,
    '',
  ].join('\n');
}

/** What iptables-save prints of some rules; each with the packets it counted. */
export function save(rules: readonly string[], packets = 0, table = 'filter'): string {
  const own = [...new Set(rules.map((rule) => /^-A (\S+)/.exec(rule)?.[1] ?? ''))];
  const builtin = table === 'filter' ? ['INPUT', 'FORWARD', 'OUTPUT'] : ['PREROUTING', 'OUTPUT'];
  const chains = [...builtin.map((name) => `:${name} ACCEPT [0:0]`)];
  for (const name of own) if (!builtin.includes(name)) chains.push(`:${name} - [0:0]`);
  const lines = rules.map((rule) => `[${packets}:${packets * 60}] ${rule}`);
  return `# Generated by iptables-save v1.8.9 (nf_tables) on Fri Nov 20 22:40:00 2026\n*${table}\n${chains.join('\n')}\n${lines.join('\n')}\nCOMMIT\n`;
}

/** One rule set throughout, before and after. */
export function steady(rules: readonly string[], packets = 0, table = 'filter'): Readonly<Record<number, string>> {
  return { 0: save(rules, 0, table), 60: save(rules, packets, table) };
}

export const INVALID = '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP';

/** The end of the policies of a pod, as Calico writes it. */
export function endOfTier(name: string): string {
  return `-A cali-tw-${calico(name)} -m comment --comment "cali:bbbbbbbbbbbbbbbb" -m comment --comment "End of tier default. Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP`;
}

/** A node whose Calico dropped a packet for a pod, traced. */
export function calicoDrop(name: string, packet: Packet = {}, seconds = 1): NodeFixture {
  const rule = endOfTier(name);
  return {
    trace: traced(seconds, { out: calico(name), ...packet }, rule),
    rulesets: steady([`-A FORWARD -o ${calico(name)} -j cali-tw-${calico(name)}`, rule], 1),
  };
}

/** Everything captured without a gap, and nothing counted. */
export const QUIET: NodeFixture = { complete: ['conntrack', 'iptables', 'nflog'], rulesets: steady([INVALID]) };
