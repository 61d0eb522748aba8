import { createHash, type BinaryLike } from 'node:crypto';
import type { LabPod, Scenario } from '../scenario.js';
import {
  namedPortMembers,
  namedPortsOf,
  peerSets,
  type Direction,
  type FelixPolicy,
  type FelixPolicyRule,
  type NamedPort,
} from './calico-policy.js';
import { canonicalSelector } from './calico-selector.js';
import type { Ipset } from './dialect.js';
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

/** Kernel name of the set of addresses and ports behind a named port. */
function namedPortSet({ selector, protocol, name }: NamedPort): string {
  const selectorId = `s:${base64(hash('sha224', `s:${canonicalSelector(selector)}`))}`;
  return `cali40n:${base64(hash('sha224', `n:${selectorId},${protocol},${name}`))}`.slice(0, 31);
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

/** Mark bits of one era for matches that one kernel rule cannot hold. */
export interface ScratchBits {
  /** Set while every block so far has matched. */
  readonly all: number;
  /** Set when the block at hand has matched. */
  readonly block: number;
}

const hex = (bits: number): string => `0x${bits.toString(16)}`;
const setMark = (bits: number): string => `--jump MARK --set-mark ${hex(bits)}/${hex(bits)}`;
const clearMark = (bits: number): string => `--jump MARK --set-mark 0/${hex(bits)}`;

/** A multiport match holds 15 ports; a range takes two. */
function portSplits(ports: readonly string[]): readonly (readonly string[])[] {
  const splits: string[][] = [];
  let room = 0;
  for (const port of ports) {
    const slots = port.includes(':') ? 2 : 1;
    if (slots > room) {
      splits.push([]);
      room = 15;
    }
    splits.at(-1)?.push(port);
    room -= slots;
  }
  return splits;
}

/** Collects the blocks of one policy rule: alternatives inside a block, all blocks together. */
class MatchBlocks {
  readonly rules: FelixRule[] = [];
  private positive = 0;

  constructor(private readonly bits: ScratchBits) {}

  private begin(initially: number): void {
    if (this.rules.length > 0) return;
    this.rules.push({ action: `--jump MARK --set-mark ${hex(initially)}/${hex(this.bits.all + this.bits.block)}` });
  }

  any(matches: readonly string[]): void {
    this.begin(0);
    // The first block may write its result straight to the common bit.
    const bit = this.positive === 0 ? this.bits.all : this.bits.block;
    this.rules.push(...matches.map((match) => ({ match, action: setMark(bit) })));
    const unmatched = `-m mark --mark 0/${hex(this.bits.block)}`;
    if (this.positive > 0) this.rules.push({ match: unmatched, action: clearMark(this.bits.all) });
    this.positive += 1;
  }

  none(matches: readonly string[]): void {
    this.begin(this.bits.all);
    this.rules.push(...matches.map((match) => ({ match, action: clearMark(this.bits.all) })));
  }
}

/** A policy rule as matches: helper rules that come first, and the match of the rule that acts. */
export interface RuleMatches {
  readonly helpers: readonly FelixRule[];
  readonly match: string;
}

/** Matches in Felix's order: protocol, peer, destination ports, negations; blocks for what does not fit one rule. */
export function ruleMatches(rule: FelixPolicyRule, direction: Direction, bits: ScratchBits): RuleMatches {
  const side = direction === 'ingress' ? '--source' : '--destination';
  const protocol = rule.protocol ? [`-p ${rule.protocol}`] : [];
  const named = namedPortsOf(rule, direction).map((port) => `-m set --match-set ${namedPortSet(port)} dst,dst`);
  const multiport = portSplits(rule.ports).map((ports) => `-m multiport --destination-ports ${ports.join(',')}`);
  const set = rule.peer && selectorSet(canonicalSelector(rule.peer));
  const blocks = new MatchBlocks(bits);
  const portsInBlock = named.length + multiport.length > 1;
  if (portsInBlock) blocks.any([...multiport.map((match) => [...protocol, match].join(' ')), ...named]);
  const netsInBlock = rule.nets.length > 1;
  if (netsInBlock) blocks.any(rule.nets.map((net) => `${side} ${net}`));
  const nets = netsInBlock ? [] : rule.nets;
  const negatedInBlock = nets.length + rule.notNets.length > 1;
  if (negatedInBlock) blocks.none(rule.notNets.map((net) => `${side} ${net}`));
  const match = [
    ...protocol,
    ...nets.map((net) => `${side} ${net}`),
    ...(set ? [`-m set --match-set ${set} ${direction === 'ingress' ? 'src' : 'dst'}`] : []),
    ...(portsInBlock ? [] : [...multiport, ...named]),
    ...(negatedInBlock ? [] : rule.notNets.map((net) => `! ${side} ${net}`)),
    ...(blocks.rules.length > 0 ? [`-m mark --mark ${hex(bits.all)}/${hex(bits.all)}`] : []),
  ];
  return { helpers: blocks.rules, match: match.join(' ') };
}

/** The IP sets that the policies' peers need, and the fixed ones. */
export function felixIpsets(scenario: Scenario, policies: readonly FelixPolicy[]): readonly Ipset[] {
  const set = (name: string, members: readonly string[]): Ipset => ({
    name,
    create: 'hash:net family inet maxelem 1048576',
    members,
  });
  const named = policies.flatMap((policy) =>
    policy.directions.flatMap((direction) => policy.rules[direction].flatMap((rule) => namedPortsOf(rule, direction))),
  );
  const ports = new Map(named.map((port) => [namedPortSet(port), namedPortMembers(port, scenario)]));
  return [
    ...[...peerSets(scenario, policies)].map(([selector, members]) => set(selectorSet(selector), members)),
    ...[...ports].map(([name, members]) => ({
      ...set(name, members),
      create: 'hash:ip,port family inet maxelem 1048576',
    })),
    set('cali40masq-ipam-pools', [scenario.clusterCidr]),
    set('cali40all-ipam-pools', [scenario.clusterCidr]),
  ];
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
