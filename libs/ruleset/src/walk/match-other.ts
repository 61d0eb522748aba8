import type { RuleMatch, RuleOption } from '../rule-syntax.js';
import { netContains, parseAddress, parseNet, type Address, type Net } from './address.js';
import { ALWAYS, negated, type Criterion } from './criterion.js';
import { interfaceMatches } from './match-basic.js';
import type { WalkState, World } from './state.js';

function optionText({ name, negated: isNegated, values }: RuleOption): string {
  return `${isNegated ? '! ' : ''}${[name, ...values].join(' ')}`;
}

function matchText(match: RuleMatch): string {
  return [match.module, ...match.options.map(optionText)].join(' ');
}

/** A match that nothing known decides. */
function open(match: RuleMatch, missing: string, isFact: boolean): Criterion {
  return { text: matchText(match), isFact, missing, test: () => undefined };
}

const MULTICAST = [parseNet('224.0.0.0/4'), parseNet('ff00::/8')].filter((net) => net !== undefined);
const LOOPBACK = [parseNet('127.0.0.0/8'), parseNet('::1')].filter((net) => net !== undefined);
const ZERO = parseNet('0.0.0.0/8');

/** Last and first address of a network: broadcast now, and before Linux 5.14 the first one as well. */
function edge(net: Net, address: Address): 'last' | 'first' | undefined {
  if (typeof address !== 'number' || typeof net.base !== 'number' || net.prefix > 30) return undefined;
  if (address === net.base) return 'first';
  return address === (net.base | ~Number(net.mask)) >>> 0 ? 'last' : undefined;
}

/** The types an address can have in the node's own routing table (`ip route show table local`). */
function addressTypes(address: Address, world: World): readonly string[] {
  if (MULTICAST.some((net) => netContains(net, address))) return ['MULTICAST'];
  if (address === 0xffffffff || (ZERO && netContains(ZERO, address))) return ['BROADCAST'];
  if (isOwnAddress(address, world) === true) return ['LOCAL'];
  if (!world.localNets) return ['LOCAL', 'UNICAST', 'BROADCAST'];
  const edges = world.localNets.map((net) => edge(net, address));
  if (edges.includes('last')) return ['BROADCAST'];
  return edges.includes('first') ? ['UNICAST', 'BROADCAST'] : ['UNICAST'];
}

function isOwnAddress(address: Address, world: World): boolean | undefined {
  if (LOOPBACK.some((net) => netContains(net, address))) return true;
  return world.localAddresses?.some((text) => parseAddress(text) === address);
}

/** Types that IPv6 looks up in the routing table; the others it reads off the address, and all of them must hold. */
const ROUTED_TYPES = new Set(['LOCAL', 'ANYCAST', 'UNREACHABLE']);

/** xt_addrtype for IPv6. Source: torvalds/linux `net/netfilter/xt_addrtype.c` (match_type6). */
function typeMatches6(address: bigint, wanted: readonly string[], world: World): boolean | undefined {
  const isMulticast = MULTICAST.some((net) => netContains(net, address));
  if (wanted.includes('MULTICAST') && !isMulticast) return false;
  if (wanted.includes('UNICAST') && (isMulticast || address === 0n)) return false;
  if (wanted.includes('UNSPEC') && address !== 0n) return false;
  const routed = wanted.filter((type) => ROUTED_TYPES.has(type));
  if (routed.length === 0) return true;
  const isOwn = routed.includes('LOCAL') ? isOwnAddress(address, world) : undefined;
  return isOwn === false && routed.length > 1 ? undefined : isOwn;
}

function typeMatches(address: Address, wanted: readonly string[], world: World): boolean | undefined {
  if (typeof address === 'bigint') return typeMatches6(address, wanted, world);
  const answers = new Set(addressTypes(address, world).map((type) => wanted.includes(type)));
  return answers.size === 1 ? answers.has(true) : undefined;
}

function addrtypeOption(option: RuleOption): Criterion | undefined {
  const side = option.name === '--src-type' ? 'source' : option.name === '--dst-type' ? 'destination' : undefined;
  if (!side) return option.name.startsWith('--limit-iface-') ? ALWAYS : undefined;
  const wanted = option.values[0]?.split(',') ?? [];
  return {
    isFact: false,
    text: `addrtype ${optionText({ ...option, negated: false })}`,
    missing: 'local addresses of the node',
    test: (state, world) => {
      const { address } = state[side];
      return address === undefined ? undefined : typeMatches(address, wanted, world);
    },
  };
}

function addrtypeCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  // Limited to one interface's addresses, the node's list does not decide.
  if (match.options.some(({ name }) => name.startsWith('--limit-iface-'))) return [open(match, 'routes', false)];
  return match.options.map((option) => {
    const criterion = addrtypeOption(option);
    return criterion && (option.negated ? negated(criterion) : criterion);
  });
}

/** Bridge ports a rule can see here: the outgoing one only where the bridge has chosen it. */
function visiblePorts(state: WalkState): { in: string | null | undefined; out: string | null | undefined } {
  const isChosen = state.hook === 'FORWARD' || state.hook === 'POSTROUTING';
  return { in: state.physicalIn, out: isChosen ? state.physicalOut : null };
}

const PHYSDEV_OPTIONS = [
  '--physdev-in',
  '--physdev-out',
  '--physdev-is-in',
  '--physdev-is-out',
  '--physdev-is-bridged',
];

/**
 * xt_physdev. A packet that is not bridged matches exactly the rules whose options are all negated.
 * Source: torvalds/linux `net/netfilter/xt_physdev.c`.
 */
function physdevTest(match: RuleMatch, state: WalkState): boolean | undefined {
  const ports = visiblePorts(state);
  if (ports.in === undefined || ports.out === undefined) return undefined;
  const isNotBridged = state.physicalIn === null && state.physicalOut === null;
  if (isNotBridged) return match.options.every(({ negated: isNegated }) => isNegated);
  return match.options.every((option) => physdevOption(option, ports.in ?? null, ports.out ?? null));
}

function physdevOption(
  { name, negated: isNegated, values }: RuleOption,
  inPort: string | null,
  outPort: string | null,
) {
  const pattern = values[0] ?? '';
  switch (name) {
    case '--physdev-in':
      return inPort === null || interfaceMatches(pattern, inPort) !== isNegated;
    case '--physdev-out':
      return outPort !== null && interfaceMatches(pattern, outPort) !== isNegated;
    case '--physdev-is-in':
      return (inPort !== null) !== isNegated;
    default:
      return (outPort !== null) !== isNegated;
  }
}

function physdevCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  if (match.options.some(({ name }) => !PHYSDEV_OPTIONS.includes(name))) return [undefined];
  return [
    {
      isFact: false,
      text: matchText(match),
      missing: 'bridge ports of the packet',
      test: (state) => physdevTest(match, state),
    },
  ];
}

function rangeOf(text: string): readonly [number, number] {
  const [low = '', high] = text.split(':');
  const first = low === '' ? 0 : Number(low);
  return [first, high === undefined ? first : high === '' ? Number.MAX_SAFE_INTEGER : Number(high)];
}

function lengthCriterion(option: RuleOption): Criterion {
  const [low, high] = rangeOf(option.values[0] ?? '');
  const criterion: Criterion = {
    isFact: true,
    text: `--length ${option.values[0]}`,
    missing: 'packet length',
    test: ({ packet: { length } }) => (length === undefined ? undefined : length >= low && length <= high),
  };
  return option.negated ? negated(criterion) : criterion;
}

const COMPARE: Readonly<Record<string, (ttl: number, wanted: number) => boolean>> = {
  eq: (ttl, wanted) => ttl === wanted,
  lt: (ttl, wanted) => ttl < wanted,
  gt: (ttl, wanted) => ttl > wanted,
};

function ttlCriterion(option: RuleOption): Criterion | undefined {
  const compare = COMPARE[option.name.slice(-2)];
  const wanted = Number(option.values[0]);
  if (!compare) return undefined;
  const criterion: Criterion = {
    isFact: false,
    text: `${option.name} ${wanted}`,
    missing: 'TTL',
    test: ({ ttl }) => (ttl === undefined ? undefined : compare(ttl, wanted)),
  };
  return option.negated ? negated(criterion) : criterion;
}

/** Owner of a local socket: known on OUTPUT at best; a packet without socket matches only what is negated. */
function ownerCriteria(match: RuleMatch): readonly Criterion[] {
  return match.options.map((option) => {
    const id = option.name === '--uid-owner' ? 'uid' : option.name === '--gid-owner' ? 'gid' : undefined;
    const [low = 0, high = low] = (option.values[0] ?? '').split('-').map(Number);
    return {
      isFact: true,
      text: `owner ${optionText(option)}`,
      missing: 'owner of the socket',
      test: ({ packet, inInterface }) => {
        if (typeof inInterface === 'string') return option.negated;
        const value = id && packet[id];
        return value === undefined ? undefined : (value >= low && value <= high) !== option.negated;
      },
    };
  });
}

function rpfilterCriterion(match: RuleMatch): Criterion {
  const isInverted = match.options.some(({ name }) => name === '--invert');
  return {
    isFact: true,
    text: matchText(match),
    missing: 'route back to the source',
    test: ({ packet, inInterface }) => {
      if (inInterface === 'lo') return !isInverted;
      return packet.reversePath === undefined ? undefined : packet.reversePath !== isInverted;
    },
  };
}

/** Nothing is random at probability 0 or 1. */
function statisticCriterion(match: RuleMatch): Criterion {
  const probability = match.options.find(({ name }) => name === '--probability');
  const value = Number(probability?.values[0]);
  const chance = probability?.negated ? 1 - value : value;
  if (probability && (chance >= 1 || chance <= 0)) return { ...ALWAYS, test: () => chance >= 1 };
  return open(match, 'choice made at random', false);
}

/** Facts that would decide a match the walk cannot. */
const MISSING: Readonly<Record<string, string>> = {
  limit: 'state of the rate limit',
  hashlimit: 'state of the rate limit',
  connlimit: 'number of connections',
  recent: 'list of recent addresses',
  quota: 'rest of the quota',
  string: 'payload',
  bpf: 'payload',
  u32: 'payload',
  policy: 'IPsec policy of the packet',
  time: 'time of day',
  mac: 'MAC address',
  pkttype: 'link-layer type',
  socket: 'local socket',
  tos: 'TOS field',
  dscp: 'TOS field',
};

/** The same packet asked twice may get two answers. */
const NOT_FACTS = new Set(['limit', 'hashlimit', 'connlimit', 'recent', 'quota', 'statistic']);

type CompileMatch = (match: RuleMatch) => readonly (Criterion | undefined)[];

const MODULES: Readonly<Record<string, CompileMatch>> = {
  comment: () => [],
  nfacct: () => [],
  addrtype: addrtypeCriteria,
  physdev: physdevCriteria,
  length: (match) => match.options.map(lengthCriterion),
  ttl: (match) => match.options.map(ttlCriterion),
  hl: (match) => match.options.map(ttlCriterion),
  owner: ownerCriteria,
  rpfilter: (match) => [rpfilterCriterion(match)],
  statistic: (match) => [statisticCriterion(match)],
};

/** Criteria of every other module; one that is not known cannot be decided. */
export function otherCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  const compile = MODULES[match.module];
  if (compile) return compile(match);
  const missing = MISSING[match.module] ?? `what match ${match.module} tests`;
  return [open(match, missing, !NOT_FACTS.has(match.module))];
}
