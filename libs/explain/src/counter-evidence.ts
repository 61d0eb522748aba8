import { type ChainRule, type EvidenceItem, formatInstant, type Instant, type RulesetSnapshot } from '@whydrop/model';
import { type CounterDelta, counterDeltas, type RuleOwner } from '@whydrop/ruleset';
import { familyOf } from './chain-rule-ref.js';
import { SNAPSHOT_TAKES } from './conservation.js';
import type { SnapshotPair, Surroundings } from './surroundings.js';
import type { ClusterView } from './view.js';
import type { Attempt } from './witness.js';

/** A rule that ends packets and whose counter moved around the time of an attempt. */
export interface MovedCounter {
  readonly delta: CounterDelta;
  readonly owner: RuleOwner | undefined;
  readonly snapshot: RulesetSnapshot;
  readonly from: Instant;
  readonly to: Instant;
}

/** What the counters of one node say about a time. `complete`: snapshots on both sides, nothing reset in between. */
export interface CounterWindow {
  readonly complete: boolean;
  readonly moved: readonly MovedCounter[];
}

/** Deltas are the same for every drop between two snapshots. */
const deltasOf = new WeakMap<RulesetSnapshot, WeakMap<RulesetSnapshot, readonly CounterDelta[]>>();

function deltas(before: RulesetSnapshot, after: RulesetSnapshot): readonly CounterDelta[] {
  const known = deltasOf.get(before) ?? new WeakMap<RulesetSnapshot, readonly CounterDelta[]>();
  deltasOf.set(before, known);
  const found = known.get(after) ?? counterDeltas(before, after);
  known.set(after, found);
  return found;
}

function ends(delta: CounterDelta): boolean {
  return delta.chainPolicy === 'DROP' || delta.rule?.target === 'DROP' || delta.rule?.target === 'REJECT';
}

/** A ruleset that was saved without its counters says nothing of what was counted. */
function counts({ tables }: RulesetSnapshot): boolean {
  const [rule] = tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.slice(0, 1)));
  return rule === undefined || rule.counter !== undefined;
}

const windows = new WeakMap<readonly CounterDelta[], WeakMap<ClusterView, CounterWindow>>();

/** What moved between two snapshots, with the owners of that time; the same for every drop between them. */
function pairWindow(before: RulesetSnapshot, after: RulesetSnapshot, view: ClusterView): CounterWindow {
  const found = deltas(before, after);
  const known = windows.get(found) ?? new WeakMap<ClusterView, CounterWindow>();
  windows.set(found, known);
  const window = known.get(view) ?? {
    complete: counts(before) && counts(after) && !found.some((delta) => delta.reset),
    moved: found
      .filter((delta) => ends(delta) && delta.packets > 0n)
      .map((delta): MovedCounter => {
        const owner = view.owners.ownerOf(after, delta.table, delta.chain, delta.rule);
        return { delta, owner, snapshot: after, from: before.observedAt, to: after.observedAt };
      }),
  };
  known.set(view, window);
  return window;
}

/** Whether a node has rules of a backend that was not read: they may have counted, too. */
function isHidden(pairs: readonly SnapshotPair[]): boolean {
  const read = pairs.flatMap(({ before, after }) => [before, after]).filter((snapshot) => snapshot !== undefined);
  const backends = new Set(read.map(({ backend }) => backend));
  return (
    read.some(({ otherBackendPresent }) => otherBackendPresent) && !(backends.has('nft') && backends.has('legacy'))
  );
}

function windowOf(pairs: readonly SnapshotPair[], view: ClusterView): CounterWindow {
  const moved: MovedCounter[] = [];
  let complete = pairs.length > 0 && !isHidden(pairs);
  for (const { before, after } of pairs) {
    if (!before || !after) {
      complete = false;
      continue;
    }
    const pair = pairWindow(before, after, view);
    if (!pair.complete) complete = false;
    for (const counter of pair.moved) moved.push(counter);
  }
  return { complete, moved };
}

/** Rules that end packets and whose counters moved on a node between the snapshots around an attempt. */
export function counterWindow(
  { tuple, firstSeenAt, lastPacketAt }: Attempt,
  node: string,
  surroundings: Surroundings,
  view: ClusterView,
): CounterWindow {
  return windowOf(surroundings.rulesets(node, familyOf(tuple.source), firstSeenAt, lastPacketAt), view);
}

/**
 * The same from the snapshot on that was surely read before the attempt: one that bears a stamp just before it may have
 * counted it already.
 */
export function widerWindow(
  { tuple, firstSeenAt, lastPacketAt }: Attempt,
  node: string,
  surroundings: Surroundings,
  view: ClusterView,
): CounterWindow {
  const from = firstSeenAt - SNAPSHOT_TAKES;
  return windowOf(surroundings.rulesets(node, familyOf(tuple.source), from, lastPacketAt), view);
}

/** The counter of one rule over the window around an attempt, when it moved. */
export function counterOfRule(
  window: CounterWindow,
  table: string,
  chain: string,
  rule: ChainRule,
): MovedCounter | undefined {
  return window.moved.find(
    ({ delta }) => delta.table === table && delta.chain === chain && delta.rule?.text.trim() === rule.text.trim(),
  );
}

/** The clause and line by which an answer cites a counter. */
export function counterItem(node: string, moved: MovedCounter): EvidenceItem {
  const { delta, from, to } = moved;
  const rule = delta.rule
    ? `rule ${delta.rule.position} of chain ${delta.chain}`
    : `the policy of chain ${delta.chain}`;
  const least = delta.reset ? 'at least ' : '';
  const shows = `${rule} counted ${least}${delta.packets} packets, ${delta.bytes} bytes between ${formatInstant(from)} and ${formatInstant(to)}`;
  const raw = delta.rule?.text ?? `:${delta.chain} ${delta.chainPolicy}`;
  return { channel: 'counter', node, observedAt: to, shows, raw };
}
