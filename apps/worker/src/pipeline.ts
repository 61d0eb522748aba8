import { QUEUES } from '@whydrop/contracts';
import { processCorrelate } from './correlate.processor.js';
import { processStore } from './store.processor.js';
import type { Job, Steps } from './steps.js';

/** One step of the pipeline: which queue feeds it, and how many of its jobs run at once in a process. */
export interface Step {
  readonly queue: string;
  readonly concurrency: number;
  readonly process: (job: Job, steps: Steps) => Promise<void>;
}

export const PIPELINE: readonly Step[] = [
  //  raw_batch --[store-<batchId>]--> decode -> normalise -> rows, rejects, ledger 'store'
  { queue: QUEUES.store, concurrency: 4, process: processStore },
  //  rows --[correlate-<cluster>-<batchId>]--> witnesses + world as of then -> drops, groups, ledger 'correlate'
  { queue: QUEUES.correlate, concurrency: 2, process: processCorrelate },
];
