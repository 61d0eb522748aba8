import type { Drop } from '@whydrop/model';

/** What the columns of a drop, and GraphQL's Int, hold at most. */
const MOST = 2 ** 31 - 1;

/** A drop whose counts fit their columns: a counter that ran for long must not keep the others from being stored. */
export function withinColumns(drop: Drop): Drop {
  if (drop.packets <= MOST && drop.attempts <= MOST) return drop;
  return { ...drop, packets: Math.min(drop.packets, MOST), attempts: Math.min(drop.attempts, MOST) };
}
