import type { ChainRuleRef, Instant } from '@whydrop/model';
import { conserve } from '@whydrop/ruleset';

/** What one counter gained in one window, and the packets that drops tell of it there. */
export interface ToldWindow {
  readonly from: Instant;
  readonly to: Instant;
  /** What the counter gained. */
  readonly packets: bigint;
  readonly isLowerBound: boolean;
  /** Packets of told drops. */
  readonly told: bigint;
  /** Of these, seen just after the beginning: the snapshot before may have counted them, it takes a moment to be read. */
  readonly early: bigint;
  /** Everything is known of what it counted but the addresses. */
  readonly isKindKnown: boolean;
}

/** packets = attributed + countedOnly + unexplained, always; told = attributed + excess over all windows of a counter. */
export interface ConservedWindow {
  readonly attributed: bigint;
  readonly countedOnly: bigint;
  readonly unexplained: bigint;
  /** Told beyond what was counted: an attribution is wrong, or something of the counter was lost. */
  readonly excess: bigint;
}

/** How long after its time stamp a snapshot may still count, in µs: the stamp is taken before it is read. */
export const SNAPSHOT_TAKES = 2_000_000;

function least(...values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a < b ? a : b));
}

function over(a: bigint, b: bigint): bigint {
  return a > b ? a - b : 0n;
}

/** Of a window's packets that it did not count itself, how many the window before it has room for. */
function movedBack(before: ToldWindow | undefined, window: ToldWindow): bigint {
  if (!before || before.to !== window.from) return 0n;
  return least(over(window.told, window.packets), window.early, over(before.packets, before.told));
}

/**
 * Sets the windows of one counter, oldest first, against what is told of them. Each window looks at its neighbours only,
 * so a part of them gives the same as all. Pure.
 */
export function conserveWindows(windows: readonly ToldWindow[]): readonly ConservedWindow[] {
  return windows.map((window, i) => {
    const [before, after] = [windows[i - 1], windows[i + 1]];
    const given = movedBack(before, window);
    const taken = after ? movedBack(window, after) : 0n;
    const delta = { packets: window.packets, reset: window.isLowerBound };
    const told = window.told - given + taken;
    // conserve() calls a rest counted only where something shows its kind.
    const { attributed, countedOnly, unexplained, excess } = conserve(delta, {
      attributed: told,
      seenInLog: window.isKindKnown ? 1n : 0n,
    });
    return { attributed, countedOnly, unexplained, excess };
  });
}

/** A drop whose packets reach from one window into others. */
export interface SpreadDrop {
  readonly from: Instant;
  readonly to: Instant;
  readonly packets: bigint;
  /** When packets of it were seen; empty when only counters saw them. */
  readonly seenAt: readonly Instant[];
}

/** How many of so many packets fall to a part of the whole, so that neighbouring parts add up. */
function part(packets: bigint, begin: bigint, end: bigint, whole: bigint): bigint {
  return (packets * end) / whole - (packets * begin) / whole;
}

function byTimes({ packets, seenAt }: SpreadDrop, from: Instant, to: Instant): bigint {
  const before = (instant: Instant) => BigInt(seenAt.filter((at) => at < instant).length);
  return part(packets, before(from), before(to), BigInt(seenAt.length));
}

/**
 * Spreads a drop's packets over the windows of the counter that it is blamed on: where they were seen, else as the
 * counter moved, else to the window of the first one. Packets seen outside of all windows belong to none.
 */
export function spreadDrop(
  drop: SpreadDrop,
  windows: readonly Pick<ToldWindow, 'from' | 'to' | 'packets'>[],
): readonly bigint[] {
  const { from, to, packets, seenAt } = drop;
  if (seenAt.length > 0) return windows.map((window) => byTimes(drop, window.from, window.to));
  const touched = windows.map((window) => (window.from <= to && window.to > from ? window.packets : 0n));
  const whole = touched.reduce((sum, each) => sum + each, 0n);
  if (whole === 0n) return windows.map((window) => (window.from <= from && from < window.to ? packets : 0n));
  let end = 0n;
  return touched.map((each) => {
    const begin = end;
    end += each;
    return part(packets, begin, end, whole);
  });
}

/** What a rule is for: the same for chains that have another name after each sync, and for either end of an upgrade. */
export function ruleIdentity({ table, chain, text, owner }: Omit<ChainRuleRef, 'node' | 'position'>): string {
  if (!owner?.workload) return [table, chain, text.trim()].join(' ');
  const { plugin, role, direction, workload, tier, policy } = owner;
  return [plugin, role, direction, workload.namespace, workload.pod, tier, policy?.name].join(' ');
}
