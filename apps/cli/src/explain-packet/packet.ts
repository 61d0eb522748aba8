import { canonicalIp, hasPorts, protocolFromName, type Hook, type TcpFlag, type Tuple } from '@whydrop/model';
import type { CtState, WalkPacket } from '@whydrop/ruleset';
import { UsageError } from '../errors.js';

/** A packet in words, and what was taken for granted because the words leave it out. */
export interface AskedPacket {
  readonly packet: WalkPacket;
  readonly assumptions: readonly string[];
}

const KEYS = [
  'in',
  'out',
  'src',
  'dst',
  'proto',
  'sport',
  'dport',
  'type',
  'code',
  'state',
  'flags',
  'mark',
  'connmark',
  'physin',
  'physout',
  'length',
  'ttl',
  'hook',
] as const;

type Key = (typeof KEYS)[number];
type Words = ReadonlyMap<Key, string>;

function isKey(text: string): text is Key {
  return (KEYS as readonly string[]).includes(text);
}

function wordsOf(text: string): Words {
  const words = new Map<Key, string>();
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const [name = '', ...rest] = word.split('=');
    const key = name.toLowerCase();
    if (!isKey(key) || rest.length === 0) throw new UsageError(`--packet: ${word} is not one of ${KEYS.join('=, ')}=`);
    words.set(key, rest.join('='));
  }
  return words;
}

function number(words: Words, key: Key, highest: number): number | undefined {
  const text = words.get(key);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > highest)
    throw new UsageError(`--packet: ${key}=${text} is no number up to ${highest}`);
  return value;
}

function address(words: Words, key: 'src' | 'dst'): string {
  const text = words.get(key);
  if (text === undefined) throw new UsageError(`--packet: ${key}= is missing`);
  const ip = canonicalIp(text);
  if (ip === undefined) throw new UsageError(`--packet: ${key}=${text} is no address`);
  return ip;
}

function tupleOf(words: Words): Tuple {
  const [source, destination] = [address(words, 'src'), address(words, 'dst')];
  const named = words.get('proto') ?? 'tcp';
  const isV6 = source.includes(':');
  const protocol = protocolFromName(isV6 && named.toLowerCase() === 'icmp' ? 'icmpv6' : named);
  if (protocol === undefined) throw new UsageError(`--packet: proto=${named} is no protocol`);
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6';
  const type = number(words, 'type', 255) ?? (isV6 ? 128 : 8);
  return {
    protocol,
    source,
    destination,
    sourcePort: hasPorts(protocol) ? number(words, 'sport', 65_535) : undefined,
    destinationPort: hasPorts(protocol) ? number(words, 'dport', 65_535) : undefined,
    icmp: isIcmp ? { type, code: number(words, 'code', 255) ?? 0, id: undefined } : undefined,
  };
}

/** A name, `none` for "there is none", or nothing for "not known". */
function name(words: Words, key: Key): string | null | undefined {
  const text = words.get(key);
  return text === 'none' || text === '' ? null : text;
}

const STATES: readonly string[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'unknown'];
const HOOKS: readonly string[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const FLAGS: readonly string[] = ['CWR', 'ECE', 'URG', 'ACK', 'PSH', 'RST', 'SYN', 'FIN'];

function oneOf<T extends string>(words: Words, key: Key, choices: readonly string[]): T | undefined {
  const text = words.get(key);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new UsageError(`--packet: ${key}=${text} is none of ${choices.join(', ')}`);
  return found as T;
}

function flagsOf(words: Words): readonly TcpFlag[] | undefined {
  const text = words.get('flags');
  if (text === undefined) return undefined;
  const flags = text
    .toUpperCase()
    .split(',')
    .filter((flag) => flag !== '' && flag !== 'NONE');
  const wrong = flags.find((flag) => !FLAGS.includes(flag));
  if (wrong !== undefined) throw new UsageError(`--packet: ${wrong} is none of ${FLAGS.join(', ')}`);
  return flags as readonly TcpFlag[];
}

/**
 * Reads `in=eth0 src=10.0.0.1 dst=10.0.0.2 proto=tcp dport=80`. `none` as an interface says that there is none. Throws
 * a usage error that names the word.
 */
export function parsePacket(text: string): AskedPacket {
  const words = wordsOf(text);
  const tuple = tupleOf(words);
  const ctstate = oneOf<CtState | 'unknown'>(words, 'state', STATES) ?? 'NEW';
  const isOpening = tuple.protocol === 'TCP' && ctstate === 'NEW';
  const tcpFlags = flagsOf(words) ?? (isOpening ? ['SYN' as const] : undefined);
  const [physicalIn, physicalOut] = [name(words, 'physin'), name(words, 'physout')];
  const isBridged = words.has('physin') || words.has('physout');
  const assumptions = [
    ...(words.has('state') ? [] : ['it is the first packet of a connection (state=NEW)']),
    ...(isOpening && !words.has('flags') ? ['it is a SYN (flags=SYN)'] : []),
    ...(isBridged ? [] : ['it is not bridged (physin=none physout=none)']),
  ];
  const packet: WalkPacket = {
    tuple,
    ctstate,
    inInterface: name(words, 'in'),
    outInterface: name(words, 'out'),
    physicalIn: isBridged ? physicalIn : null,
    physicalOut: isBridged ? physicalOut : null,
    ...optional('tcpFlags', tcpFlags),
    ...optional('hook', oneOf<Hook>(words, 'hook', HOOKS)),
    ...optional('mark', number(words, 'mark', 0xffffffff)),
    ...optional('connmark', number(words, 'connmark', 0xffffffff)),
    ...optional('length', number(words, 'length', 65_535)),
    ...optional('ttl', number(words, 'ttl', 255)),
  };
  return { packet, assumptions };
}

function optional<K extends keyof WalkPacket>(key: K, value: WalkPacket[K]): Partial<WalkPacket> {
  return value === undefined ? {} : { [key]: value };
}
