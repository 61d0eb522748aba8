import { correlateJobId, storeJobId } from '@whydrop/contracts';
import type { NewJob } from '@whydrop/queue';
import { openBatches, type OpenBatch } from '@whydrop/storage';
import type { Steps } from './steps.js';

/** A batch that is not worked through after this long has lost its job: Redis was emptied, or a worker died. */
const LOST_AFTER_SECONDS = 4;

const storeJob = ({ id }: OpenBatch, suffix: string): NewJob => ({
  name: 'store',
  jobId: storeJobId(`${id}${suffix}`),
  data: { version: 1, batchId: String(id) },
});

/** One run takes all that is stored of a cluster. */
const correlateJob = ({ id, clusterId }: OpenBatch, suffix: string): NewJob => ({
  name: 'correlate',
  jobId: correlateJobId(clusterId, `${id}${suffix}`),
  data: { version: 1, clusterId },
});

/** So many batches are put on the queue at once; the others stay where they are, however many they are. */
const AT_ONCE = 1_000;
/** Of those that were first in line the last process may have died over some. */
const SUSPECTED = 50;

export interface Sweep {
  readonly olderThanSeconds?: number;
  /**
   * A worker that starts gives a sweep a name, and takes few with it: the jobs of one that died still stand as running, for
   * seconds, and would keep jobs of the same id away. Of what is on the queue as well everything is asked for twice.
   */
  readonly name?: string;
}

/**
 * Puts batches back on the queues that nobody works on. Job ids are derived from the batch, so that one which still has its
 * job gets no second.
 */
export async function sweep(
  { database, storeQueue, correlateQueue, log }: Steps,
  { olderThanSeconds = LOST_AFTER_SECONDS, name }: Sweep = {},
): Promise<number> {
  const lost = await openBatches(database, olderThanSeconds, name === undefined ? AT_ONCE : SUSPECTED);
  if (lost.length === 0) return 0;
  const suffix = name === undefined ? '' : `-${name}`;
  const store = lost.filter(({ stored }) => !stored).map((batch) => storeJob(batch, suffix));
  const correlate = lost.filter(({ stored }) => stored).map((batch) => correlateJob(batch, suffix));
  if (store.length > 0) await storeQueue.enqueueAll(store);
  if (correlate.length > 0) await correlateQueue.enqueueAll(correlate);
  log.info({ batches: lost.length }, 'swept up batches without a job');
  return lost.length;
}
