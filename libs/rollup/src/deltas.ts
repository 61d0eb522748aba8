import type { Instant } from '@whydrop/model';
import { LEVEL_MICROS, type Level, windowStart } from './level.js';

/** What is added up per window and group. */
export interface Sums {
  readonly drops: number;
  readonly attempts: number;
  readonly packets: number;
  /** Packets that were counted and that no drop tells with addresses. */
  readonly counted: number;
}

/** What a window of a group changes by: negative where something was taken back. */
export interface Delta extends Sums {
  readonly bucket: Instant;
  readonly groupId: string;
}

export const NOTHING: Sums = { drops: 0, attempts: 0, packets: 0, counted: 0 };

/** Adds two sums. */
export function plus(a: Sums, b: Sums): Sums {
  return {
    drops: a.drops + b.drops,
    attempts: a.attempts + b.attempts,
    packets: a.packets + b.packets,
    counted: a.counted + b.counted,
  };
}

/** The opposite: what is taken back. */
export function minus({ drops, attempts, packets, counted }: Sums): Sums {
  return { drops: -drops, attempts: -attempts, packets: -packets, counted: -counted };
}

/** Whether there is nothing to write. */
export function isNothing({ drops, attempts, packets, counted }: Sums): boolean {
  return drops === 0 && attempts === 0 && packets === 0 && counted === 0;
}

/**
 * Folds what was added and taken back into one change per window and group, in the order of window and group. What was
 * only put in its own place changes nothing and is left out.
 */
export class Deltas {
  private readonly windows = new Map<Instant, Map<string, Sums>>();

  add(at: Instant, groupId: string, sums: Sums): void {
    const bucket = windowStart(at, LEVEL_MICROS.minute);
    let groups = this.windows.get(bucket);
    if (!groups) this.windows.set(bucket, (groups = new Map()));
    groups.set(groupId, plus(groups.get(groupId) ?? NOTHING, sums));
  }

  /** The changes of one level. Two runs that touch the same windows write them in the same order. */
  of(level: Level): readonly Delta[] {
    const folded = new Map<string, Delta>();
    for (const [minute, groups] of this.windows) {
      const bucket = windowStart(minute, LEVEL_MICROS[level]);
      for (const [groupId, sums] of groups) {
        const key = `${bucket} ${groupId}`;
        folded.set(key, { bucket, groupId, ...plus(folded.get(key) ?? NOTHING, sums) });
      }
    }
    return [...folded.values()]
      .filter((delta) => !isNothing(delta))
      .toSorted((a, b) => a.bucket - b.bucket || (a.groupId < b.groupId ? -1 : 1));
  }
}
