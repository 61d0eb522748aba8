import type { ChainRule, RulesetSnapshot } from '@whydrop/model';
import { counterDeltas, endsPacket, type CounterDelta } from './counters.js';

/**
 * What a drop rule counted in a window, set against the drops that are known by their addresses. The three parts add up
 * to the counter: nothing is invented and nothing disappears.
 */
export interface Conservation {
  /** Packets the rule counted; a lower bound where `isLowerBound`. */
  readonly counted: bigint;
  /** Packets of drops that were seen with their addresses and blamed on this rule, at most `counted`. */
  readonly attributed: bigint;
  /** Counted, known to be of the same kind (a log's rate limit cut them off), but without addresses of their own. */
  readonly countedOnly: bigint;
  /** Counted, and nothing says what they were. */
  readonly unexplained: bigint;
  /** Blamed on the rule beyond what it counted: an attribution is wrong, or the counter was reset. */
  readonly excess: bigint;
  readonly isLowerBound: boolean;
}

/** Packets known of one rule in one window. */
export interface KnownPackets {
  /** Seen with addresses: traced, logged or derived. */
  readonly attributed: bigint;
  /** Packets its rate-limited log rule matched; undefined when nothing logs before it. */
  readonly loggedByCounter?: bigint;
  /** Of these, how many the log showed. */
  readonly seenInLog?: bigint;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/**
 * Divides a counter's delta (design: attributed, counted only, unexplained). A log rule without limit that matched n
 * packets and showed fewer has lost the rest; one with a limit leaves its counter below the drop rule's, and the packets
 * between are of the kind that was logged.
 */
export function conserve(delta: Pick<CounterDelta, 'packets' | 'reset'>, known: KnownPackets): Conservation {
  const attributed = smaller(known.attributed, delta.packets);
  const rest = delta.packets - attributed;
  const isLogged = (known.seenInLog ?? 0n) > 0n || (known.loggedByCounter ?? 0n) > 0n;
  const countedOnly = isLogged ? rest : 0n;
  return {
    counted: delta.packets,
    attributed,
    countedOnly,
    unexplained: rest - countedOnly,
    excess: larger(known.attributed - delta.packets, 0n),
    isLowerBound: delta.reset,
  };
}

/** Value of a drop rule's counter over time: one point per pair of snapshots in which it moved. */
export interface DropSeries {
  readonly table: string;
  readonly chain: string;
  /** The rule as last seen; undefined: the chain policy. */
  readonly rule: ChainRule | undefined;
  readonly points: readonly DropPoint[];
}

export interface DropPoint {
  readonly from: number;
  readonly to: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly isLowerBound: boolean;
}

function isDrop(delta: CounterDelta): boolean {
  return delta.rule ? endsPacket(delta.rule) !== undefined : delta.chainPolicy === 'DROP';
}

function identity({ table, chain, rule }: CounterDelta): string {
  return `${table} ${rule?.text ?? `:${chain}`}`;
}

/**
 * A series per drop rule (and dropping chain policy) over snapshots of one node, family and backend, oldest first. Equal
 * rules of one chain share a series.
 */
export function dropSeries(snapshots: readonly RulesetSnapshot[]): readonly DropSeries[] {
  const series = new Map<string, { table: string; chain: string; rule: ChainRule | undefined; points: DropPoint[] }>();
  for (const [i, after] of snapshots.entries()) {
    const before = snapshots[i - 1];
    if (!before) continue;
    for (const delta of counterDeltas(before, after).filter(isDrop)) {
      const { table, chain, rule, packets, bytes, reset } = delta;
      const one = series.get(identity(delta)) ?? { table, chain, rule, points: [] };
      series.set(identity(delta), one);
      one.rule = rule;
      one.points.push({ from: before.observedAt, to: after.observedAt, packets, bytes, isLowerBound: reset });
    }
  }
  return [...series.values()];
}
