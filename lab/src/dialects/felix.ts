import { createHash, type BinaryLike } from 'node:crypto';
import { podsOfPeer, policyTypes } from '../selectors.js';
import type {
  EgressRule,
  IngressRule,
  LabelSelector,
  LabPod,
  LabPolicy,
  PolicyPeer,
  PolicyPort,
  Scenario,
} from '../scenario.js';
import type { TableName, Tables } from './tables.js';

/** Naming and rule spelling of Calico's Felix on iptables; projectcalico/calico `felix/iptables`, `felix/hashutils`. */

const hash = (algorithm: string, ...parts: readonly BinaryLike[]): Buffer =>
  parts.reduce((digest: ReturnType<typeof createHash>, part) => digest.update(part), createHash(algorithm)).digest();

const base64 = (digest: Buffer): string => digest.toString('base64url');

/** A chain name of at most 28 characters: prefix and suffix, or prefix and a hash of the suffix. */
export function limited(prefix: string, suffix: string, limit = 28): string {
  const length = prefix.length + suffix.length;
  if (length < limit || (length === limit && !suffix.startsWith('_'))) return prefix + suffix;
  return `${prefix}_${base64(hash('sha256', suffix)).slice(0, limit - 1 - prefix.length)}`;
}

/** Host interface of a pod: the prefix and 11 hexadecimal digits of SHA-1. */
export function workloadInterface(pod: LabPod, prefix = 'cali'): string {
  const digits = hash('sha1', `${pod.namespace}.${pod.name}`).toString('hex').slice(0, 11);
  return pod.interfaceName ?? `${prefix}${digits}`;
}

/** Kernel name of the IP set of a selector. */
export function selectorSet(selector: string): string {
  return `cali40s:${base64(hash('sha224', `s:${selector}`))}`.slice(0, 31);
}

/** One rule in Felix's own spelling, which is also what it feeds to iptables-restore. */
export interface FelixRule {
  readonly comments?: readonly string[];
  readonly match?: string;
  /** With its `--jump` or `--goto`; empty for a rule that only counts. */
  readonly action?: string;
}

function ruleText(chain: string, rule: FelixRule): string {
  const comments = (rule.comments ?? []).map((text) => `-m comment --comment "${text}"`);
  return ['-A', chain, 'HASH', ...comments, rule.match, rule.action].filter(Boolean).join(' ');
}

/**
 * The complete lines of a chain. Each hash covers the chain's name and every rule up to its own; `before` are rules
 * of the same chain that were hashed in one run with these.
 */
export function felixLines(chain: string, rules: readonly FelixRule[]): readonly string[] {
  let digest = hash('sha224', chain);
  return rules.map((rule) => {
    const text = ruleText(chain, rule);
    digest = hash('sha224', digest, text);
    return text.replace('HASH', `-m comment --comment "cali:${base64(digest).slice(0, 16)}"`);
  });
}

export function addFelixChain(tables: Tables, table: TableName, chain: string, rules: readonly FelixRule[]): void {
  tables.take(table, chain, felixLines(chain, rules));
}

const quoted = (value: string): string => (value.includes('"') ? `'${value}'` : `"${value}"`);

/** The terms of a label selector in Calico's canonical form; `prefix` is `pcns.` for labels of namespaces. */
function selectorTerms(selector: LabelSelector, prefix = ''): readonly string[] {
  const equal = Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${prefix}${key} == ${quoted(value)}`);
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const set = `{${[...new Set(values)].sort().map(quoted).join(', ')}}`;
    if (operator === 'Exists') return `has(${prefix}${key})`;
    if (operator === 'DoesNotExist') return `!has(${prefix}${key})`;
    return `${prefix}${key} ${operator === 'In' ? 'in' : 'not in'} ${set}`;
  });
  return [...equal, ...expressions];
}

const all = (terms: readonly string[]): string =>
  terms.length > 1 ? `(${terms.join(' && ')})` : (terms[0] ?? 'all()');

/** Calico's canonical selector of a Kubernetes peer: namespace part, then orchestrator and pod labels. */
export function peerSelector(namespace: string, peer: PolicyPeer): string {
  const own = [`projectcalico.org/namespace == "${namespace}"`];
  const spaces = peer.namespaceSelector ? selectorTerms(peer.namespaceSelector, 'pcns.') : own;
  const space = spaces.length > 0 ? all(spaces) : 'has(projectcalico.org/namespace)';
  const pod = all(['projectcalico.org/orchestrator == "k8s"', ...selectorTerms(peer.podSelector ?? {})]);
  return `(${space} && ${pod})`;
}

/** The selector of the pods a policy applies to; it decides which policies form a group. */
export function subjectSelector(policy: LabPolicy): string {
  const pod = all(['projectcalico.org/orchestrator == "k8s"', ...selectorTerms(policy.spec.podSelector)]);
  return `(${pod} && projectcalico.org/namespace == "${policy.namespace}")`;
}

export type Direction = 'ingress' | 'egress';

/** One rule of Calico's list, after Kubernetes' rule was spread over protocols and peers. */
export interface CalicoRule {
  readonly protocol: string | undefined;
  readonly ports: readonly PolicyPort[];
  readonly peer: PolicyPeer | undefined;
}

function spread(peers: readonly PolicyPeer[], ports: readonly PolicyPort[]): readonly CalicoRule[] {
  const named = [...new Set(ports.map((port) => port.protocol ?? 'TCP'))].sort();
  const protocols: readonly (string | undefined)[] = named.length > 0 ? named : [undefined];
  return protocols.flatMap((protocol) => {
    const items = ports.filter((port) => (port.protocol ?? 'TCP') === protocol);
    const everyPort = items.some((port) => port.port === undefined);
    const rule = { protocol, ports: everyPort ? [] : items };
    const anyone: readonly (PolicyPeer | undefined)[] = peers.length > 0 ? peers : [undefined];
    return anyone.map((peer) => ({ ...rule, peer }));
  });
}

/** Kubernetes rules as Calico rules, protocol-major; the index in this list is the one in NFLOG prefixes. */
export function calicoRules(policy: LabPolicy, direction: Direction): readonly CalicoRule[] {
  if (direction === 'ingress') {
    return (policy.spec.ingress ?? []).flatMap((rule: IngressRule) => spread(rule.from ?? [], rule.ports ?? []));
  }
  return (policy.spec.egress ?? []).flatMap((rule: EgressRule) => spread(rule.to ?? [], rule.ports ?? []));
}

export function directionsOf(policy: LabPolicy): readonly Direction[] {
  return policyTypes(policy).map((type) => (type === 'Ingress' ? 'ingress' : 'egress'));
}

function portMatch(ports: readonly PolicyPort[], scenario: Scenario): string | undefined {
  const slots = ports.flatMap(({ port, endPort }) => {
    if (typeof port !== 'string') return endPort === undefined ? [`${port}`] : [`${port}:${endPort}`];
    // Felix keeps an address and port set per name; one number for all pods says the same in this lab.
    const numbers = scenario.pods.flatMap((pod) => pod.ports.filter((each) => each.name === port));
    return [...new Set(numbers.map((each) => `${each.port}`))];
  });
  return slots.length > 0 ? `-m multiport --destination-ports ${slots.join(',')}` : undefined;
}

function netMatches(peer: PolicyPeer, side: 'source' | 'destination'): readonly string[] {
  if (!peer.ipBlock) return [];
  return [`--${side} ${peer.ipBlock.cidr}`, ...(peer.ipBlock.except ?? []).map((net) => `! --${side} ${net}`)];
}

/** The match of a Calico rule in Felix's order: protocol, peer, destination ports, negations. */
export function ruleMatch(rule: CalicoRule, policy: LabPolicy, direction: Direction, scenario: Scenario): string {
  const side = direction === 'ingress' ? 'source' : 'destination';
  const peer = rule.peer ?? {};
  const set = rule.peer && !rule.peer.ipBlock ? selectorSet(peerSelector(policy.namespace, rule.peer)) : undefined;
  const [positive, ...negative] = netMatches(peer, side);
  return [
    rule.protocol && `-p ${rule.protocol.toLowerCase()}`,
    positive,
    set && `-m set --match-set ${set} ${direction === 'ingress' ? 'src' : 'dst'}`,
    portMatch(rule.ports, scenario),
    ...negative,
  ]
    .filter(Boolean)
    .join(' ');
}

/** `ipset restore` input with the sets that the policies' peers need, and the fixed ones. */
export function felixIpsets(scenario: Scenario, policies: readonly LabPolicy[]): string {
  const sets = new Map<string, readonly string[]>();
  for (const policy of policies) {
    for (const { peer } of directionsOf(policy).flatMap((direction) => calicoRules(policy, direction))) {
      if (!peer || peer.ipBlock) continue;
      const members = podsOfPeer(scenario, policy.namespace, peer).map((pod) => pod.ip);
      sets.set(selectorSet(peerSelector(policy.namespace, peer)), members);
    }
  }
  sets.set('cali40masq-ipam-pools', [scenario.clusterCidr]);
  sets.set('cali40all-ipam-pools', [scenario.clusterCidr]);
  return [...sets].map(([name, members]) => printSet(name, members)).join('');
}

function printSet(name: string, members: readonly string[]): string {
  const adds = members.map((member) => `add ${name} ${member}\n`);
  return `create ${name} hash:net family inet maxelem 1048576\n${adds.join('')}`;
}

/** Profile names of a pod, in order. */
export function profilesOf(pod: LabPod): readonly string[] {
  return [`kns.${pod.namespace}`, `ksa.${pod.namespace}.default`];
}

interface DispatchEntry {
  readonly interfaceName: string;
  readonly chain: string;
}

/**
 * Dispatch on the interface name: one goto per interface, through a child chain where several share the character
 * after the common prefix; whatever is left over is an unknown interface.
 */
export function addDispatch(tables: Tables, chain: string, option: string, entries: readonly DispatchEntry[]): void {
  const sorted = [...entries].sort((a, b) => (a.interfaceName < b.interfaceName ? -1 : 1));
  const common = commonPrefix(sorted.map((entry) => entry.interfaceName));
  const groups = new Map<string, DispatchEntry[]>();
  for (const entry of sorted) {
    const prefix = entry.interfaceName.slice(0, common.length + 1);
    groups.set(prefix, [...(groups.get(prefix) ?? []), entry]);
  }
  const unknown: FelixRule = { comments: ['Unknown interface'], action: '--jump DROP' };
  const go = (entry: DispatchEntry): FelixRule => ({
    match: `${option} ${entry.interfaceName}`,
    action: `--goto ${entry.chain}`,
  });
  const root = [...groups].flatMap(([prefix, members]) => {
    const [only] = members;
    if (members.length === 1 && only) return [go(only)];
    const child = `${chain}-${prefix.slice(-1)}`;
    addFelixChain(tables, 'filter', child, [...members.map(go), unknown]);
    return [{ match: `${option} ${prefix}+`, action: `--goto ${child}` }];
  });
  addFelixChain(tables, 'filter', chain, [...root, unknown]);
}

function commonPrefix(names: readonly string[]): string {
  const [first = '', ...rest] = names;
  if (rest.length === 0) return first.slice(0, 4);
  let length = 0;
  while (length < first.length && rest.every((name) => name[length] === first[length])) length += 1;
  return first.slice(0, length);
}
