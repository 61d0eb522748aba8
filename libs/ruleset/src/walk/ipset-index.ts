import { protocolFromName, protocolNumber, type Ipset, type Protocol } from '@whydrop/model';
import { maskedKey, parseNet, type Address } from './address.js';

/** What one dimension of a set compares. */
type Dimension = 'ip' | 'net' | 'port' | 'iface' | 'mac' | 'mark' | 'set';

/** One dimension's value of a packet: what `src` or `dst` of it stands for. */
export type DimensionValue =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'port'; readonly protocol: Protocol; readonly port: number }
  | { readonly kind: 'text'; readonly text: string };

interface Entry {
  readonly nomatch: boolean;
}

/** Entries whose networks have the same prefix lengths; `lengths` has one per dimension, undefined where none counts. */
interface Shape {
  readonly lengths: readonly (number | undefined)[];
  readonly entries: Map<string, Entry>;
  /** Keys of the first dimension alone. */
  readonly firsts: Set<string>;
}

/** A set made ready for lookups: the most specific networks come first, as the kernel asks them. */
export interface IpsetIndex {
  readonly dimensions: readonly Dimension[];
  readonly shapes: readonly Shape[];
  /** Members of a list:set, in order. */
  readonly members: readonly string[];
}

const ICMP_TYPES: Readonly<Record<string, number>> = {
  'echo-reply': 0,
  pong: 0,
  'destination-unreachable': 0x300,
  'network-unreachable': 0x300,
  'host-unreachable': 0x301,
  'protocol-unreachable': 0x302,
  'port-unreachable': 0x303,
  'fragmentation-needed': 0x304,
  'source-route-failed': 0x305,
  'communication-prohibited': 0x30d,
  redirect: 0x500,
  'network-redirect': 0x500,
  'host-redirect': 0x501,
  'echo-request': 0x800,
  ping: 0x800,
  'time-exceeded': 0xb00,
  'ttl-zero-during-transit': 0xb00,
  'ttl-zero-during-reassembly': 0xb01,
  'parameter-problem': 0xc00,
  'timestamp-request': 0xd00,
  'timestamp-reply': 0xe00,
};

const ICMPV6_TYPES: Readonly<Record<string, number>> = {
  'destination-unreachable': 0x100,
  'no-route': 0x100,
  'communication-prohibited': 0x101,
  'address-unreachable': 0x103,
  'port-unreachable': 0x104,
  'packet-too-big': 0x200,
  'time-exceeded': 0x300,
  'ttl-zero-during-transit': 0x300,
  'ttl-zero-during-reassembly': 0x301,
  'parameter-problem': 0x400,
  'echo-request': 0x8000,
  ping: 0x8000,
  'echo-reply': 0x8100,
  pong: 0x8100,
  'router-solicitation': 0x8500,
  'router-advertisement': 0x8600,
  'neighbour-solicitation': 0x8700,
  'neighbor-solicitation': 0x8700,
  'neighbour-advertisement': 0x8800,
  'neighbor-advertisement': 0x8800,
  redirect: 0x8900,
};

/** ICMP types stand in the port dimension as `type << 8 | code`. */
function portNumber(protocol: Protocol, text: string): number | undefined {
  if (protocol === 'ICMP' && ICMP_TYPES[text] !== undefined) return ICMP_TYPES[text];
  if (protocol === 'ICMPv6' && ICMPV6_TYPES[text] !== undefined) return ICMPV6_TYPES[text];
  const typeCode = /^(\d+)\/(\d+)$/.exec(text);
  if (typeCode) return Number(typeCode[1]) * 256 + Number(typeCode[2]);
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function portKey(protocol: Protocol, port: number): string {
  return `${protocolNumber(protocol)}:${port}`;
}

/** `tcp:80` (hash types) or `80` (bitmap:port, any protocol). */
function portElementKey(text: string): string | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return `any:${text}`;
  const protocol = protocolFromName(text.slice(0, colon));
  const port = protocol && portNumber(protocol, text.slice(colon + 1));
  return protocol === undefined || port === undefined ? undefined : portKey(protocol, port);
}

interface Part {
  readonly key: string;
  readonly length: number | undefined;
}

function part(dimension: Dimension, text: string): Part | undefined {
  switch (dimension) {
    case 'ip':
    case 'net': {
      const net = parseNet(text);
      return net && { key: maskedKey(net.base, net.prefix), length: net.prefix };
    }
    case 'port': {
      const key = portElementKey(text);
      return key === undefined ? undefined : { key, length: undefined };
    }
    case 'mark':
      return { key: String(Number(text)), length: undefined };
    case 'iface':
    case 'mac':
    case 'set':
      return { key: text, length: undefined };
    default:
      return dimension satisfies never;
  }
}

function dimensionsOf(type: string): readonly Dimension[] {
  const names = type.slice(type.indexOf(':') + 1).split(',');
  return names.filter((name): name is Dimension => ['ip', 'net', 'port', 'iface', 'mac', 'mark', 'set'].includes(name));
}

/** Longest prefixes of the first network first, then of the second. */
function compareShapes(a: Shape, b: Shape): number {
  for (const [i, length] of a.lengths.entries()) {
    const difference = (b.lengths[i] ?? 0) - (length ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function buildIndex(set: Ipset): IpsetIndex {
  const dimensions = dimensionsOf(set.type);
  const shapes = new Map<string, Shape>();
  for (const { element, nomatch } of set.members) {
    const texts = element.split(',');
    const parts = dimensions.map((dimension, i) => part(dimension, texts[i] ?? ''));
    if (parts.includes(undefined)) continue;
    const lengths = parts.map((each) => each?.length);
    const name = lengths.join();
    const shape = shapes.get(name) ?? { lengths, entries: new Map<string, Entry>(), firsts: new Set<string>() };
    shapes.set(name, shape);
    shape.entries.set(parts.map((each) => each?.key).join(), { nomatch });
    shape.firsts.add(parts[0]?.key ?? '');
  }
  return {
    dimensions,
    shapes: [...shapes.values()].toSorted(compareShapes),
    members: set.type.startsWith('list:') ? set.members.map(({ element }) => element) : [],
  };
}

const indexes = new WeakMap<Ipset, IpsetIndex>();

/** The set made ready for lookups; built once per set. */
export function ipsetIndex(set: Ipset): IpsetIndex {
  const known = indexes.get(set);
  if (known) return known;
  const index = buildIndex(set);
  indexes.set(set, index);
  return index;
}

/** Keys under which a value may be entered: a port also without protocol (bitmap:port). */
function keysOf(value: DimensionValue, length: number | undefined): readonly string[] {
  switch (value.kind) {
    case 'address': {
      const bits = typeof value.address === 'number' ? 32 : 128;
      return length === undefined || length > bits ? [] : [maskedKey(value.address, length)];
    }
    case 'port':
      return value.protocol === 'TCP' || value.protocol === 'UDP'
        ? [portKey(value.protocol, value.port), `any:${value.port}`]
        : [portKey(value.protocol, value.port)];
    case 'text':
      return [value.text];
    default:
      return value satisfies never;
  }
}

/** Keys of a packet in sets of this shape: one per way in which its dimensions may be entered. */
function keysIn({ lengths }: Shape, values: readonly DimensionValue[]): readonly string[] {
  const choices = values.map((value, i) => keysOf(value, lengths[i]));
  return choices.reduce<readonly string[]>(
    (keys, options, i) => keys.flatMap((key) => options.map((option) => (i === 0 ? option : `${key},${option}`))),
    [''],
  );
}

/** In hash:net,iface the most specific network ends the search, also when it is entered for other interfaces. */
function endsSearch(index: IpsetIndex, shape: Shape, values: readonly DimensionValue[]): boolean {
  const [first] = values;
  if (!index.dimensions.includes('iface') || !first) return false;
  return keysOf(first, shape.lengths[0]).some((key) => shape.firsts.has(key));
}

/**
 * Looks a packet up: the most specific entry that contains it decides. `nomatch`: that entry is an exception, which
 * counts as not being in the set. Source: torvalds/linux `net/netfilter/ipset/ip_set_hash_gen.h` (mtype_test_cidrs).
 */
export function lookup(index: IpsetIndex, values: readonly DimensionValue[]): 'match' | 'nomatch' | 'none' {
  for (const shape of index.shapes) {
    for (const key of keysIn(shape, values)) {
      const entry = shape.entries.get(key);
      if (entry) return entry.nomatch ? 'nomatch' : 'match';
    }
    if (endsSearch(index, shape, values)) return 'none';
  }
  return 'none';
}
