import { Queue } from 'bullmq';
import { bullOptions, type JobBackend } from './backend.js';

export interface NewJob {
  readonly name: string;
  readonly jobId: string;
  readonly data: object;
}

/** The producing side of one queue. */
export interface JobQueue {
  /** Adds a job; one with the same id that is still there stays as it is. Rejects at once when Redis is away. */
  enqueue(name: string, jobId: string, data: object): Promise<void>;
  enqueueAll(jobs: readonly NewJob[]): Promise<void>;
  counts(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** Done and failed jobs are forgotten: what is done stands in Postgres, and the same id must be able to run again. */
const OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 3, backoff: { type: 'exponential', delay: 500 } };

/** A queue that has never been connected makes callers wait for it: this long and no longer. */
const PATIENCE_MS = 1_000;

function withTimeout<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Opens the producing side; connects in the background. */
export function openQueue(backend: JobBackend, name: string): JobQueue {
  const queue = new Queue(name, bullOptions(backend, 'producer'));
  // Connection errors are reported by every call; without a listener they would end the process.
  queue.on('error', () => undefined);
  const soon = <T>(work: Promise<T>): Promise<T> => withTimeout(work, PATIENCE_MS, `queue ${name} cannot be reached`);
  const job = ({ name: jobName, jobId, data }: NewJob) => ({ name: jobName, data, opts: { ...OPTIONS, jobId } });
  return {
    enqueue: async (jobName, jobId, data) => {
      await soon(queue.add(jobName, data, { ...OPTIONS, jobId }));
    },
    enqueueAll: async (jobs) => {
      await soon(queue.addBulk(jobs.map(job)));
    },
    counts: () => queue.getJobCounts(),
    close: () => queue.close(),
  };
}
