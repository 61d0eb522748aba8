import { setTimeout as sleep } from 'node:timers/promises';
import { check, type Verdict } from './checker.js';
import { Load } from './load.js';
import { recovery, settled } from './recovery.js';
import { openWorld } from './world.js';

export interface RestoreResult {
  /** Batches that were acknowledged after the copy was taken, and are not in it. */
  readonly goneWithTheRestore: number;
  readonly verdict: Verdict;
}

/**
 * The database is set back to a copy that was taken under load, and everything is shipped once more. What the copy holds
 * stays as it is, what it lacks is taken again, nothing is there twice.
 */
export async function restored(product: string, secondsOfLoad = 3): Promise<RestoreResult> {
  const world = await openWorld({ product, appendOnly: true });
  try {
    const load = new Load({ url: `http://127.0.0.1:${world.network.api.port}`, token: world.token }, 1);
    load.start();
    await sleep(secondsOfLoad * 1000);
    await world.postgres.copy();
    await sleep(secondsOfLoad * 1000);
    await load.finish();
    await recovery({ world, load }, Date.now());
    await world.postgres.restore();
    const [row] = await world.query<{ batches: string }>('SELECT count(*) AS batches FROM raw_batch');
    await load.shipEverything();
    await settled(world);
    const goneWithTheRestore = load.manifest.made.length - Number(row?.batches);
    return { goneWithTheRestore, verdict: await check(world, load) };
  } finally {
    await world.stop();
  }
}
