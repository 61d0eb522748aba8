import { type Instant, tupleKey } from '@whydrop/model';
import type { HostFacts } from './host-facts.js';
import type { Surroundings } from './surroundings.js';
import { type Attempt, flowKeys, type Witnesses } from './witness.js';

/** How far each node's clock runs ahead of the others', in µs; nodes that keep time with them are not in it. */
export type ClockOffsets = ReadonlyMap<string, number>;

/** Below this, differences are the way of the packet and of the record, not of the clocks. */
const AGREES = 250_000;
/** Further apart, two sightings of one tuple are two connections. */
const SAME_CONNECTION = 30_000_000;
/** Fewer connections seen on both nodes prove nothing. */
const ENOUGH = 3;
/** Offsets are told in steps of this, so that a few more records do not move every drop by a little. */
const STEP = 50_000;

/** A node's conntrack opened an entry for a tuple, known by some text that is the same on every node. */
export interface Opening {
  readonly key: string;
  readonly node: string;
  readonly at: Instant;
}

/** One node's first word about a tuple: `opened` by conntrack, or a packet on its way. */
interface Sighting extends Opening {
  readonly opened: boolean;
}

/** Stamps of whole seconds are too coarse. */
const isFine = (at: Instant): boolean => at % 1_000_000 !== 0;

/** A trace is no measure: its reader stamps it, and may be seconds behind the kernel. */
function* sightings({ flows, packets }: Witnesses, openings: readonly Opening[]): Generator<Sighting> {
  for (const opening of openings) if (isFine(opening.at)) yield { ...opening, opened: true };
  for (const { node, flow } of flows) {
    if (flow.event !== 'new' || !isFine(flow.observedAt)) continue;
    for (const key of flowKeys(flow)) yield { key, node, at: flow.observedAt, opened: true };
  }
  for (const { node, packet } of packets) {
    if (packet.kind !== 'packet' || !isFine(packet.observedAt)) continue;
    yield { key: tupleKey(packet.tuple), node, at: packet.observedAt, opened: false };
  }
}

/** Earliest sighting of each tuple on each node. */
function firstSightings(
  witnesses: Witnesses,
  openings: readonly Opening[],
): ReadonlyMap<string, ReadonlyMap<string, Sighting>> {
  const byKey = new Map<string, Map<string, Sighting>>();
  for (const sighting of sightings(witnesses, openings)) {
    const nodes = byKey.get(sighting.key) ?? new Map<string, Sighting>();
    byKey.set(sighting.key, nodes);
    const known = nodes.get(sighting.node);
    if (!known || sighting.at < known.at) nodes.set(sighting.node, sighting);
  }
  return byKey;
}

/** How much later the second node of a pair saw the same connections. */
export interface ClockPair {
  readonly first: string;
  readonly second: string;
  readonly differences: readonly number[];
}

/** Conntrack's word of both nodes is the best measure; where there is too little of it, logs help out. */
function pairsOf(witnesses: Witnesses, openings: readonly Opening[]): readonly ClockPair[] {
  const found = new Map<string, { first: string; second: string; opened: number[]; any: number[] }>();
  for (const nodes of firstSightings(witnesses, openings).values()) {
    const sorted = [...nodes.values()].toSorted((a, b) => (a.node < b.node ? -1 : 1));
    for (const [at, one] of sorted.entries()) {
      for (const other of sorted.slice(at + 1)) {
        const difference = other.at - one.at;
        if (Math.abs(difference) > SAME_CONNECTION) continue;
        const id = `${one.node} ${other.node}`;
        const pair = found.get(id) ?? { first: one.node, second: other.node, opened: [], any: [] };
        found.set(id, pair);
        pair.any.push(difference);
        if (one.opened && other.opened) pair.opened.push(difference);
      }
    }
  }
  return [...found.values()].map(({ first, second, opened, any }) => {
    return { first, second, differences: opened.length >= ENOUGH ? opened : any };
  });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? 0;
}

/** Clocks of the nodes that are joined to `start`, as far as pairs reach, held against that of `start`. */
function reach(start: string, pairs: readonly ClockPair[]): ReadonlyMap<string, number> {
  const clocks = new Map([[start, 0]]);
  for (const node of clocks.keys()) {
    const own = clocks.get(node) ?? 0;
    for (const { first, second, differences } of pairs) {
      if (first === node && !clocks.has(second)) clocks.set(second, own + median(differences));
      if (second === node && !clocks.has(first)) clocks.set(first, own - median(differences));
    }
  }
  return clocks;
}

/**
 * The clocks by what pairs of nodes say of each other. What most nodes agree on is taken for the time; of two nodes that
 * differ, the one that is behind.
 */
export function offsetsOf(pairs: readonly ClockPair[]): ClockOffsets {
  const trusted = pairs
    .filter(({ differences }) => differences.length >= ENOUGH)
    .toSorted(
      (a, b) => b.differences.length - a.differences.length || (a.first + a.second < b.first + b.second ? -1 : 1),
    );
  const offsets = new Map<string, number>();
  const seen = new Set<string>();
  for (const { first } of trusted) {
    if (seen.has(first)) continue;
    const clocks = reach(first, trusted);
    const time = median([...clocks.values()]);
    for (const [node, clock] of clocks) {
      seen.add(node);
      const ahead = Math.round((clock - time) / STEP) * STEP;
      if (Math.abs(ahead) >= AGREES) offsets.set(node, ahead);
    }
  }
  return offsets;
}

/**
 * The clocks by the connections that were seen on two nodes: those of the witnesses, and others that nodes opened around
 * then. Pure, and the order of what is given does not matter.
 */
export function clockOffsets(witnesses: Witnesses, openings: readonly Opening[] = []): ClockOffsets {
  const nodes = new Set([...witnesses.flows, ...witnesses.packets, ...openings].map(({ node }) => node));
  return nodes.size < 2 ? new Map() : offsetsOf(pairsOf(witnesses, openings));
}

/** The witnesses with their times as one clock would have stamped them. */
export function onOneClock(witnesses: Witnesses, offsets: ClockOffsets): Witnesses {
  if (offsets.size === 0) return witnesses;
  const moved = <T extends { readonly observedAt: Instant }>(node: string, record: T): T => {
    const ahead = offsets.get(node) ?? 0;
    return ahead === 0 ? record : { ...record, observedAt: record.observedAt - ahead };
  };
  return {
    flows: witnesses.flows.map(({ node, flow }) => ({ node, flow: moved(node, flow) })),
    packets: witnesses.packets.map(({ node, packet }) => ({ node, packet: moved(node, packet) })),
    verdicts: witnesses.verdicts.map((witness) => ({ ...witness, verdict: moved(witness.node, witness.verdict) })),
  };
}

/** The surroundings asked in common time: what a node stamped itself is looked up by its own clock. */
export function byCommonTime(surroundings: Surroundings, offsets: ClockOffsets): Surroundings {
  if (offsets.size === 0) return surroundings;
  const on = (node: string, at: Instant): Instant => at + (offsets.get(node) ?? 0);
  const { host } = surroundings;
  return {
    ...surroundings,
    ...(host ? { host: hostByCommonTime(host, on) } : {}),
    rulesets: (node, family, from, to) => surroundings.rulesets(node, family, on(node, from), on(node, to)),
    ipsets: (node, at) => surroundings.ipsets(node, on(node, at)),
    routes: (node, at) => surroundings.routes(node, on(node, at)),
    covered: (node, channel, from, to) => surroundings.covered(node, channel, on(node, from), on(node, to)),
    conntrackWatermark: (node) => {
      const mark = surroundings.conntrackWatermark(node);
      return mark === undefined ? undefined : mark - (offsets.get(node) ?? 0);
    },
  };
}

function hostByCommonTime(host: HostFacts, on: (node: string, at: Instant) => Instant): HostFacts {
  return {
    notices: (node, code, from, to) => host.notices(node, code, on(node, from), on(node, to)),
    growth: (node, name, from, to) => host.growth(node, name, on(node, from), on(node, to)),
  };
}

/** What an answer has to say when it leans on a node whose records were moved. */
export function clockAssumptions(
  { flows, packets, verdicts }: Pick<Attempt, 'flows' | 'packets' | 'verdicts'>,
  enforcedAt: string | undefined,
  offsets: ClockOffsets,
): readonly string[] {
  if (offsets.size === 0) return [];
  const nodes = new Set([...flows, ...packets, ...verdicts].map(({ node }) => node));
  if (enforcedAt !== undefined) nodes.add(enforcedAt);
  return [...nodes].toSorted().flatMap((node) => {
    const ahead = offsets.get(node);
    if (ahead === undefined) return [];
    const seconds = (Math.abs(ahead) / 1_000_000).toFixed(1);
    return [
      `the clock of node ${node} runs ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} the others: its records were moved by that`,
    ];
  });
}
