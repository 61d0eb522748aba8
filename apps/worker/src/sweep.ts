import { correlateJobId, storeJobId } from '@whydrop/contracts';
import { openBatches } from '@whydrop/storage';
import type { Steps } from './steps.js';

/** A batch that is not worked through after this long has lost its job: Redis was emptied, or a worker died. */
export const LOST_AFTER_SECONDS = 10;

/**
 * Puts batches back on the queues that nobody works on. Job ids are derived from the batch, so that one which still has its
 * job gets no second.
 */
export async function sweep(
  { database, storeQueue, correlateQueue, log }: Steps,
  olderThan = LOST_AFTER_SECONDS,
): Promise<number> {
  const lost = await openBatches(database, olderThan);
  for (const { id, clusterId, stored } of lost) {
    if (stored)
      await correlateQueue.enqueue('correlate', correlateJobId(clusterId, String(id)), { version: 1, clusterId });
    else await storeQueue.enqueue('store', storeJobId(String(id)), { version: 1, batchId: String(id) });
  }
  if (lost.length > 0) log.info({ batches: lost.length }, 'swept up batches without a job');
  return lost.length;
}
