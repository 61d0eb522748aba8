import type { Family } from '@whydrop/model';
import { quoted } from '../listing/extras.js';
import { list, number, object, text, under, word, type Json, type JsonObject } from './json.js';
import { scalars } from './sets.js';

/** Matches in iptables' words; `never` when the rule cannot match packets of this family. */
export type Matches = readonly string[] | 'never';

/** An expression nobody here understands stays with the rule, so that a walk can say what it does not know. */
function notUnderstood(expression: Json): readonly string[] {
  return [`-m nft --text ${quoted(JSON.stringify(expression))}`];
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

const IP_FAMILY: Readonly<Record<string, Family>> = { ip: 'inet', ip6: 'inet6', icmp: 'inet', icmpv6: 'inet6' };

const ICMP_TYPES: Readonly<Record<string, number>> = {
  'echo-reply': 0,
  'destination-unreachable': 3,
  'echo-request': 8,
  'time-exceeded': 11,
};
const ICMPV6_TYPES: Readonly<Record<string, number>> = {
  'destination-unreachable': 1,
  'packet-too-big': 2,
  'time-exceeded': 3,
  'echo-request': 128,
  'echo-reply': 129,
  'nd-router-solicit': 133,
  'nd-router-advert': 134,
  'nd-neighbor-solicit': 135,
  'nd-neighbor-advert': 136,
};

interface Comparison {
  readonly left: Json;
  readonly right: Json;
  readonly negated: boolean;
  readonly family: Family;
}

function not({ negated }: Comparison): string {
  return negated ? '! ' : '';
}

function setName(right: Json): string | undefined {
  return typeof right === 'string' && right.startsWith('@') ? right.slice(1) : undefined;
}

/** The values of an anonymous set, or the one value. */
function values(right: Json): readonly string[] {
  const set = under(right, 'set');
  return set === undefined ? scalars(right) : list(set).flatMap(scalars);
}

function addressMatch(comparison: Comparison, side: 's' | 'd'): readonly string[] | undefined {
  const name = setName(comparison.right);
  if (name !== undefined) return [`-m set ${not(comparison)}--match-set ${name} ${side === 's' ? 'src' : 'dst'}`];
  const [one, ...more] = values(comparison.right);
  return one === undefined || more.length > 0 ? undefined : [`${not(comparison)}-${side} ${one}`];
}

const TRANSPORTS = new Set(['tcp', 'udp', 'sctp', 'dccp', 'udplite', 'th']);

function portMatch(comparison: Comparison, protocol: string, side: 's' | 'd'): readonly string[] | undefined {
  if (setName(comparison.right) !== undefined) return undefined;
  const ports = values(comparison.right);
  const before = protocol === 'th' ? [] : [`-p ${protocol}`];
  return ports.length === 0 ? undefined : [...before, `-m multiport ${not(comparison)}--${side}ports ${ports.join()}`];
}

function payloadMatch(comparison: Comparison, payload: JsonObject): Matches | undefined {
  const protocol = text(payload['protocol']) ?? '';
  const field = text(payload['field']) ?? '';
  const family = IP_FAMILY[protocol];
  if (family !== undefined && family !== comparison.family) return 'never';
  const side = /^[sd]/.exec(field)?.[0] as 's' | 'd' | undefined;
  if (/^[sd]addr$/.test(field) && side) return addressMatch(comparison, side);
  if (/^[sd]port$/.test(field) && side && TRANSPORTS.has(protocol)) return portMatch(comparison, protocol, side);
  if (field === 'type' && family !== undefined) return icmpMatch(comparison, protocol);
  if (field === 'protocol' || field === 'nexthdr') return [`${not(comparison)}-p ${values(comparison.right)[0] ?? ''}`];
  return undefined;
}

function icmpMatch(comparison: Comparison, protocol: string): readonly string[] | undefined {
  const isV6 = protocol === 'icmpv6';
  const names = isV6 ? ICMPV6_TYPES : ICMP_TYPES;
  const [one, ...more] = values(comparison.right);
  const type = one === undefined ? undefined : (names[one] ?? (/^\d+$/.test(one) ? Number(one) : undefined));
  if (type === undefined || more.length > 0) return undefined;
  const option = isV6 ? '-m icmp6 %--icmpv6-type' : '-m icmp %--icmp-type';
  return [`-p ${isV6 ? 'ipv6-icmp' : 'icmp'}`, `${option.replace('%', not(comparison))} ${type}`];
}

function interfaceMatch(comparison: Comparison, option: '-i' | '-o'): readonly string[] | undefined {
  const [one, ...more] = values(comparison.right);
  if (one === undefined || more.length > 0 || setName(comparison.right) !== undefined) return undefined;
  return [`${not(comparison)}${option} ${one.replace(/\*$/, '+')}`];
}

function metaMatch(comparison: Comparison, key: string): Matches | undefined {
  const [one, ...more] = values(comparison.right);
  switch (key) {
    case 'iif':
    case 'iifname':
      return interfaceMatch(comparison, '-i');
    case 'oif':
    case 'oifname':
      return interfaceMatch(comparison, '-o');
    case 'l4proto':
      return one === undefined || more.length > 0 ? undefined : [`${not(comparison)}-p ${one}`];
    case 'nfproto':
      return one === (comparison.family === 'inet' ? 'ipv4' : 'ipv6') ? [] : 'never';
    case 'mark':
      return one === undefined ? undefined : [`-m mark ${not(comparison)}--mark ${hex(Number(one))}`];
    default:
      return undefined;
  }
}

function ctMatch(comparison: Comparison, key: string): Matches | undefined {
  const words = Array.isArray(comparison.right) ? comparison.right.map(word) : values(comparison.right);
  switch (key) {
    case 'state':
      return [`-m conntrack ${not(comparison)}--ctstate ${words.map((each) => each.toUpperCase()).join()}`];
    case 'status':
      return words.every((each) => each === 'dnat' || each === 'snat')
        ? [`-m conntrack ${not(comparison)}--ctstate ${words.map((each) => each.toUpperCase()).join()}`]
        : undefined;
    case 'direction':
      return comparison.negated ? undefined : [`-m conntrack --ctdir ${words[0]?.toUpperCase() ?? ''}`];
    case 'mark':
      return [`-m connmark ${not(comparison)}--mark ${hex(Number(words[0]))}`];
    default:
      return undefined;
  }
}

function maskedMatch(comparison: Comparison, operands: readonly Json[]): readonly string[] | undefined {
  const [what, mask] = operands;
  const isMark = under(under(what, 'meta'), 'key') === 'mark';
  const isConnmark = under(under(what, 'ct'), 'key') === 'mark';
  const value = Number(values(comparison.right)[0]);
  if ((!isMark && !isConnmark) || number(mask) === undefined || Number.isNaN(value)) return undefined;
  return [`-m ${isMark ? 'mark' : 'connmark'} ${not(comparison)}--mark ${hex(value)}/${hex(Number(mask))}`];
}

const DIMENSIONS: Readonly<Record<string, string>> = { saddr: 'src', daddr: 'dst', sport: 'src', dport: 'dst' };

/** `ip saddr . meta l4proto . th dport @set`: protocol and port are one dimension of an ipset. */
function concatMatch(comparison: Comparison, parts: readonly Json[]): Matches | undefined {
  const name = setName(comparison.right);
  const payloads = parts.map((part) => object(under(part, 'payload'))).filter((part) => part !== undefined);
  if (payloads.some(({ protocol }) => (IP_FAMILY[text(protocol) ?? ''] ?? comparison.family) !== comparison.family))
    return 'never';
  const sides = payloads.map(({ field }) => DIMENSIONS[text(field) ?? '']);
  if (name === undefined || sides.includes(undefined)) return undefined;
  return [`-m set ${not(comparison)}--match-set ${name} ${sides.join()}`];
}

function fibMatch(comparison: Comparison, fib: JsonObject): readonly string[] | undefined {
  const flags = list(fib['flags']).map(word);
  const side = flags.includes('saddr') ? 'src' : 'dst';
  const [one] = values(comparison.right);
  if (fib['result'] !== 'type' || one === undefined) return undefined;
  return [`-m addrtype ${not(comparison)}--${side}-type ${one.toUpperCase()}`];
}

/** One `match` expression in iptables' words. */
export function matchWords(match: JsonObject, family: Family): Matches {
  const comparison: Comparison = { left: match['left'], right: match['right'], negated: match['op'] === '!=', family };
  return leftWords(comparison) ?? notUnderstood({ match });
}

function leftWords(comparison: Comparison): Matches | undefined {
  const { left } = comparison;
  const payload = object(under(left, 'payload'));
  if (payload) return payloadMatch(comparison, payload);
  const fib = object(under(left, 'fib'));
  if (fib) return fibMatch(comparison, fib);
  const meta = text(under(under(left, 'meta'), 'key'));
  if (meta !== undefined) return metaMatch(comparison, meta);
  const ct = text(under(under(left, 'ct'), 'key'));
  if (ct !== undefined) return ctMatch(comparison, ct);
  if (Array.isArray(under(left, '&'))) return maskedMatch(comparison, list(under(left, '&')));
  if (Array.isArray(under(left, 'concat'))) return concatMatch(comparison, list(under(left, 'concat')));
  return undefined;
}

/** `meta mark set meta mark | 0x10000`: how a statement changes the packet mark. */
export function markWords(mangle: JsonObject): string | undefined {
  const key = object(mangle['key']);
  const isMark = under(key?.['meta'], 'key') === 'mark';
  const isConnmark = under(key?.['ct'], 'key') === 'mark';
  if (!isMark && !isConnmark) return undefined;
  const target = isMark ? 'MARK' : 'CONNMARK';
  const value = mangle['value'];
  if (typeof value === 'number') return `${target} --set-xmark ${hex(value)}/0xffffffff`;
  for (const [operator, option] of [
    ['|', '--or-mark'],
    ['&', '--and-mark'],
    ['^', '--xor-mark'],
  ] as const) {
    const operand = list(under(value, operator)).find((each) => typeof each === 'number');
    if (operand !== undefined) return `${target} ${option} ${hex(operand)}`;
  }
  return target;
}

/** The verdict of a statement or of a verdict map's element, as a target with its options. */
export function verdictWords(statement: JsonObject): string | undefined {
  const [name = ''] = Object.keys(statement);
  const argument = statement[name];
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
      return `-j ${name.toUpperCase()}`;
    case 'jump':
      return `-j ${text(under(argument, 'target')) ?? ''}`;
    case 'goto':
      return `-g ${text(under(argument, 'target')) ?? ''}`;
    case 'reject':
      return `-j REJECT${argument === null ? '' : ` --reject-with ${rejectWith(argument)}`}`;
    case 'masquerade':
      return '-j MASQUERADE';
    case 'snat':
      return '-j SNAT';
    case 'dnat':
      return `-j DNAT --to-destination ${natTarget(argument)}`;
    case 'redirect':
      return '-j REDIRECT';
    case 'notrack':
      return '-j CT --notrack';
    default:
      return undefined;
  }
}

function rejectWith(argument: Json): string {
  const type = text(under(argument, 'type')) ?? 'icmp';
  return type === 'tcp reset' ? 'tcp-reset' : `${type}-${text(under(argument, 'expr')) ?? 'port-unreachable'}`;
}

function natTarget(argument: Json): string {
  const address = scalars(under(argument, 'addr'))[0];
  const port = scalars(under(argument, 'port'))[0];
  const host = address?.includes(':') ? `[${address}]` : (address ?? '');
  return port === undefined ? (address ?? '') : `${host}:${port}`;
}

/** `log prefix "x" group 1` as the NFLOG or LOG target. */
export function logWords(argument: Json): string {
  const prefix = text(under(argument, 'prefix'));
  const group = number(under(argument, 'group'));
  if (group === undefined) return `-j LOG${prefix === undefined ? '' : ` --log-prefix ${quoted(prefix)}`}`;
  return `-j NFLOG${prefix === undefined ? '' : ` --nflog-prefix ${quoted(prefix)}`} --nflog-group ${group}`;
}

export { notUnderstood };
