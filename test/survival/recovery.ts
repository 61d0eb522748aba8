import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from './load.js';
import type { Collector } from './collector.js';
import type { Link } from './link.js';
import type { World } from './world.js';

/** What is under load and under fire. */
export interface Victims {
  readonly world: World;
  readonly load: Load;
  readonly collector?: Collector;
  /** Between collector and API; absent where we may not make network namespaces. */
  readonly link?: Link;
}

/** Nothing may take longer; what does hangs. */
export const HANGS_AFTER_MS = 90_000;

/** What is not worked through yet of all that was made before this moment, in words; undefined when nothing is missing. */
async function missing(world: World, load: Load, made: number, collector?: Collector): Promise<string | undefined> {
  const waiting = load.waitingSince(made);
  if (waiting) return `${waiting.node} ${waiting.stream} ${waiting.sequence} is not acknowledged`;
  const highest = String(load.highestAcknowledged(made));
  const [open] = await world.query<{ what: string }>(
    `SELECT b.id || ' (' || b.stream || ' ' || b.sequence || '), of which is done: ' ||
            coalesce((SELECT string_agg(s.stage, ', ') FROM batch_stage s WHERE s.batch_id = b.id), 'nothing') AS what
       FROM raw_batch b WHERE b.finished_at IS NULL AND b.id <= $1 ORDER BY b.id LIMIT 1`,
    [highest],
  );
  if (open) return `batch ${open.what} is open`;
  const record = await collector?.missing(made);
  return record === undefined ? undefined : `record ${record} of the collector is not stored`;
}

/** Waits until nothing is open, but not for ever: the count at the end tells what is. */
export async function settled(world: World, times = 1): Promise<void> {
  for (const end = Date.now() + times * HANGS_AFTER_MS; Date.now() < end; await sleep(100)) {
    const rows = await world.query('SELECT 1 FROM raw_batch WHERE finished_at IS NULL LIMIT 1');
    if (rows.length === 0) return;
  }
}

/** How a recovery went: after how long everything was there, or what was missing to the end. */
export type Recovery =
  | { readonly kind: 'whole'; readonly ms: number; readonly last: string | undefined }
  | { readonly kind: 'hangs'; readonly missing: string };

/** Waits until all that was made before `healedAt` is stored, correlated and to be queried. */
export async function recovery(
  { world, load, collector }: Victims,
  healedAt: number,
  hangsAfterMs = HANGS_AFTER_MS,
): Promise<Recovery> {
  for (let last: string | undefined; ; await sleep(50)) {
    const what = await missing(world, load, healedAt, collector);
    const ms = Date.now() - healedAt;
    if (what === undefined) return { kind: 'whole', ms, last };
    if (ms >= hangsAfterMs) return { kind: 'hangs', missing: what };
    last = what;
  }
}
