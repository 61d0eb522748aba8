import { correlateJobSchema } from '@whydrop/contracts';
import { correlateCluster } from '@whydrop/storage';
import type { Job, Steps } from './steps.js';

/** Explain what the cluster's newly stored batches bear on. One run takes all of them; the jobs behind it find nothing left. */
export async function processCorrelate(job: Job, { database, log }: Steps): Promise<void> {
  const { clusterId } = correlateJobSchema.parse(job.data);
  const { batches, drops } = await correlateCluster(database, clusterId);
  if (batches > 0) log.info({ clusterId, batches, drops }, 'correlated');
}
