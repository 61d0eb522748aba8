import { correlate, type CorrelatedDrop, countedDrops, type CountedDrop, countedWindows } from '@whydrop/explain';
import type { Drop } from '@whydrop/model';
import { type BundleRecords, type CapturedBundle, capturedBundle, type Without } from '@whydrop/testing';
import { Random } from '../verify/random.js';

/** How much the nodes recorded: the same capture with channels left out. */
export type Level = 'trace' | 'log' | 'counters' | 'policies';

/** What went wrong on the way. */
export type Disorder = 'none' | 'shuffled' | 'late' | 'skewed' | 'missing';

export const CHANNELS_WITHOUT: Readonly<Record<Level, readonly string[]>> = {
  trace: [],
  log: ['trace'],
  counters: ['trace', 'nflog', 'weave-npc-log'],
  policies: ['trace', 'nflog', 'weave-npc-log', 'metrics', 'iptables', 'ipset'],
};

/** What is left out or bent in one look at a capture. */
export interface Look {
  readonly level: Level;
  readonly disorder: Disorder;
  readonly without: Without;
}

const MICROS = 1_000_000;

/** Clocks are off by up to two seconds; each node in turn loses its data, or has the wrong clock. */
export function looksAt(level: Level, disorder: Disorder, nodes: readonly string[], random: Random): readonly Look[] {
  const channels = CHANNELS_WITHOUT[level];
  if (disorder === 'missing') return nodes.map((node) => ({ level, disorder, without: { channels, nodes: [node] } }));
  if (disorder === 'skewed') {
    return nodes.map((node) => {
      const by = Math.round((random.chance(0.5) ? 2 : -2) * MICROS * (0.5 + random.next() / 2));
      return { level, disorder, without: { channels, skew: { [node]: by } } };
    });
  }
  return [{ level, disorder, without: { channels } }];
}

export function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** A tenth of the records comes twice. */
function twice<T>(items: readonly T[], random: Random): readonly T[] {
  return items.flatMap((item) => (random.chance(0.1) ? [item, item] : [item]));
}

function inDisorder({ witnesses, ...rest }: CapturedBundle, random: Random): CapturedBundle {
  const { flows, packets, verdicts } = witnesses;
  const mixed = {
    flows: shuffled(twice(flows, random), random),
    packets: shuffled(twice(packets, random), random),
    verdicts: shuffled(verdicts, random),
  };
  return { ...rest, witnesses: mixed };
}

/** What the product makes of one look. */
export interface Answers {
  readonly drops: readonly Drop[];
  readonly counted: readonly Pick<CountedDrop, 'facts' | 'packets' | 'attributed'>[];
}

function countedBeside({ countings, surroundings, manifest }: CapturedBundle, drops: readonly CorrelatedDrop[]) {
  const windows = countedWindows(countings, surroundings.history);
  const spans = new Map(windows.map((window) => [`${window.facts.node} ${window.from} ${window.to}`, window]));
  const attributed = [...spans.values()].flatMap(({ facts: { node }, from, to }) =>
    drops.flatMap(({ drop, enforcedAt }) => {
      const { chainRule, enforcementPoint, verdict } = drop.explanation;
      const isDrop = verdict === 'dropped' || verdict === 'rejected';
      const here = (chainRule?.node ?? enforcementPoint?.node) === node;
      if (!isDrop || !here || enforcedAt < from || enforcedAt >= to) return [];
      const { protocol, destinationPort, packets } = drop;
      return [{ node, from, to, chainRule, protocol, destinationPort, packets: BigInt(packets) }];
    }),
  );
  return countedDrops(manifest.cluster, windows, attributed);
}

/** Correlates a capture as it looks that way. */
export function answersOf(records: BundleRecords, look: Look, random: Random): Answers {
  const bundle = capturedBundle(records, look.without);
  const given = look.disorder === 'shuffled' ? inDisorder(bundle, random) : bundle;
  const drops = correlate(given.witnesses, given.surroundings);
  return { drops: drops.map(({ drop }) => drop), counted: countedBeside(given, drops) };
}
