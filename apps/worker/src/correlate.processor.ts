import { setTimeout as sleep } from 'node:timers/promises';
import { correlateJobSchema } from '@whydrop/contracts';
import { correlateCluster } from '@whydrop/storage';
import type { Job, Steps } from './steps.js';

/** The longest that a run waits for more to come. */
const LONGEST_PAUSE_MS = 1_000;

/** When a cluster may be explained again, in milliseconds of this process. */
const restedAt = new Map<number, number>();

/**
 * Explain what the cluster's newly stored batches bear on. One run takes all of them; the jobs behind it find nothing left.
 * After a run its cluster rests for as long as the run took: where much is waiting, runs are fewer and take more at once,
 * and half of the time is left for storing.
 */
export async function processCorrelate(job: Job, { database, log }: Steps): Promise<void> {
  const { clusterId } = correlateJobSchema.parse(job.data);
  await sleep(Math.max(0, (restedAt.get(clusterId) ?? 0) - performance.now()));
  const begun = performance.now();
  const { batches, drops } = await correlateCluster(database, clusterId);
  if (batches === 0) return;
  const took = performance.now() - begun;
  restedAt.set(clusterId, performance.now() + Math.min(took, LONGEST_PAUSE_MS));
  log.info({ clusterId, batches, drops, ms: Math.round(took) }, 'correlated');
}
