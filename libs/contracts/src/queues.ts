import { z } from 'zod';

/** Queues by what their jobs do. Payloads carry a version and a pointer, never records. */
export const QUEUES = { store: 'whydrop-store', correlate: 'whydrop-correlate' } as const;

/** Decode, normalise and store one raw batch. Job id `store-<batchId>`. */
export const storeJobSchema = z.object({ version: z.literal(1), batchId: z.string().regex(/^\d+$/) });

/** Correlate what was stored since the last run for one cluster. Job id `correlate-<clusterId>-<batchId>`. */
export const correlateJobSchema = z.object({ version: z.literal(1), clusterId: z.int().positive() });

/** Stages of a batch in the ledger, in order. A batch is worked through when it has all of them. */
const STAGES = ['store', 'correlate'] as const;
export type Stage = (typeof STAGES)[number];

/** The same batch is the same job, however often it is put onto the queue. */
export function storeJobId(batchId: string): string {
  return `store-${batchId}`;
}

/** One job for each batch that was stored; the run takes all that the cluster has by then. */
export function correlateJobId(clusterId: number, batchId: string): string {
  return `correlate-${clusterId}-${batchId}`;
}
