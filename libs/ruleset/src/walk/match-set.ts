import type { Ipset } from '@whydrop/model';
import type { RuleMatch, RuleOption } from '../rule-syntax.js';
import { familyOf } from './address.js';
import { negated, type Criterion } from './criterion.js';
import { ipsetIndex, lookup, type DimensionValue, type IpsetIndex } from './ipset-index.js';
import { visibleInterface, type WalkState, type World } from './state.js';

type Side = 'src' | 'dst';

/** Value of one dimension of the packet; null: it has none, so no entry can fit. */
function valueOf(
  dimension: IpsetIndex['dimensions'][number],
  side: Side,
  state: WalkState,
  world: World,
): DimensionValue | null | undefined {
  const end = side === 'src' ? state.source : state.destination;
  switch (dimension) {
    case 'ip':
    case 'net':
      return end.address === undefined ? undefined : { kind: 'address', address: end.address };
    case 'port':
      return portValue(state, end.port);
    case 'iface': {
      const name = visibleInterface(state, side === 'src' ? 'inInterface' : 'outInterface', world);
      if (name === undefined) return undefined;
      return name === null || name === '' ? null : { kind: 'text', text: name };
    }
    case 'mark':
      return state.mark.known === 0xffffffff ? { kind: 'text', text: String(state.mark.value) } : undefined;
    case 'mac':
      return undefined;
    case 'set':
      return null;
    default:
      return dimension satisfies never;
  }
}

function portValue(state: WalkState, port: number | undefined): DimensionValue | undefined {
  const { protocol, icmp } = state;
  if (icmp) return { kind: 'port', protocol, port: icmp.type * 256 + icmp.code };
  if (port !== undefined) return { kind: 'port', protocol, port };
  const isPortless = !['TCP', 'UDP', 'SCTP', 'UDPLITE', 'ICMP', 'ICMPv6'].includes(protocol);
  return isPortless ? { kind: 'port', protocol, port: 0 } : undefined;
}

/** Outcome of asking a set: `unknown` when a fact is missing. */
type Asked = 'match' | 'nomatch' | 'none' | 'unknown';

function familyFits(set: Ipset, state: WalkState, world: World): boolean {
  if (set.type.startsWith('list:') || set.type === 'bitmap:port') return true;
  const family = state.source.address === undefined ? world.ruleset.family : familyOf(state.source.address);
  return (set.family ?? 'inet') === family;
}

/**
 * Asks a set as the kernel does: a set with more dimensions than the rule names, or of the other family, never matches;
 * a list asks its sets in turn. Source: torvalds/linux `net/netfilter/ipset/ip_set_core.c`, `ip_set_list_set.c`.
 */
function ask(set: Ipset, sides: readonly Side[], state: WalkState, world: World, depth: number): Asked {
  const index = ipsetIndex(set);
  if (set.type.startsWith('list:')) {
    return depth > 0 ? 'none' : askList(index.members, sides, state, world, depth);
  }
  if (index.dimensions.length > sides.length || !familyFits(set, state, world)) return 'none';
  if (index.shapes.length === 0) return 'none';
  const values = index.dimensions.map((dimension, i) => valueOf(dimension, sides[i] ?? 'src', state, world));
  if (values.includes(null)) return 'none';
  const known = values.filter((value) => value !== undefined && value !== null);
  return known.length < values.length ? 'unknown' : lookup(index, known);
}

function askList(
  names: readonly string[],
  sides: readonly Side[],
  state: WalkState,
  world: World,
  depth: number,
): Asked {
  let isOpen = false;
  for (const name of names) {
    const set = world.ipsets?.get(name);
    const asked = set ? ask(set, sides, state, world, depth + 1) : 'unknown';
    if (asked === 'match') return 'match';
    if (asked === 'unknown') isOpen = true;
  }
  return isOpen ? 'unknown' : 'none';
}

function sidesOf(text: string): readonly Side[] | undefined {
  const sides = text.split(',');
  return sides.every((side): side is Side => side === 'src' || side === 'dst') ? sides : undefined;
}

function setCriterion(option: RuleOption, returnNomatch: boolean): Criterion | undefined {
  const [name = '', flags = ''] = option.values;
  const sides = sidesOf(flags);
  if (!sides) return undefined;
  // Asked again behind a DNAT the same set is another question.
  const identity = ({ source, destination }: WalkState) =>
    `set ${name} ${flags} ${source.address} ${destination.address}`;
  return {
    isFact: false,
    text: `set ${name} ${flags}`,
    missing: `ipset ${name}`,
    test: (state, world) => {
      const set = world.ipsets?.get(name);
      const asked = set ? ask(set, sides, state, world, 0) : 'unknown';
      if (asked === 'unknown') return state.assumed.get(identity(state));
      return asked === (returnNomatch ? 'nomatch' : 'match');
    },
    assume: (state, holds) => ({ ...state, assumed: new Map(state.assumed).set(identity(state), holds) }),
  };
}

/** Options of the set match that change nothing about which packets match. */
const HARMLESS = new Set(['--update-counters', '--update-subcounters', '--return-nomatch']);

/** Criteria of `-m set`; the ones that ask for a set's own counters are not understood. */
export function setCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  const returnNomatch = match.options.some((option) => option.name === '--return-nomatch');
  return match.options
    .filter((option) => !HARMLESS.has(option.name))
    .map((option) => {
      const criterion = option.name === '--match-set' ? setCriterion(option, returnNomatch) : undefined;
      return criterion && (option.negated ? negated(criterion) : criterion);
    });
}
