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

/** Is everything worked through that was made before this moment? */
async function caughtUp(world: World, load: Load, made: number, collector?: Collector): Promise<boolean> {
  if (load.oldestWaiting() <= made) return false;
  const highest = String(load.highestAcknowledged(made));
  const [row] = await world.query<{ open: boolean }>(
    'SELECT EXISTS (SELECT 1 FROM raw_batch WHERE finished_at IS NULL AND id <= $1) AS open',
    [highest],
  );
  return row?.open === false && (await collector?.caughtUp(made)) !== false;
}

/** Waits until nothing is open, but not for ever: the count at the end tells what is. */
export async function settled(world: World, times = 1): Promise<void> {
  for (const end = Date.now() + times * HANGS_AFTER_MS; Date.now() < end; await sleep(100)) {
    const rows = await world.query('SELECT 1 FROM raw_batch WHERE finished_at IS NULL LIMIT 1');
    if (rows.length === 0) return;
  }
}

/** Milliseconds from `healedAt` until all that was made before is stored, correlated and to be queried; undefined when it hangs. */
export async function recovery(
  { world, load, collector }: Victims,
  healedAt: number,
  hangsAfterMs = HANGS_AFTER_MS,
): Promise<number | undefined> {
  while (Date.now() < healedAt + hangsAfterMs) {
    if (await caughtUp(world, load, healedAt, collector)) return Date.now() - healedAt;
    await sleep(50);
  }
  return undefined;
}
