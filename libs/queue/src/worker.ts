import type { Job } from 'bullmq';
import { bullClasses, type JobBackend } from './backend.js';
import { Consumer } from './consumer.js';
import type { JobHandler } from './job.js';

/** The consuming side of one queue. */
export interface JobWorker {
  /** Takes no new job and waits for those that run. */
  close(): Promise<void>;
}

export interface WorkerSettings {
  readonly concurrency?: number;
  /** Told of jobs that failed and of lost connections. */
  readonly onError?: (error: Error, jobId: string | undefined) => void;
}

/**
 * A job whose worker was killed runs again after five seconds, six and a half at most. A stall is no attempt: a neighbour that kills the worker
 * again and again must not fail innocent jobs, so the limit is high; attempts are counted in Postgres.
 */
export const WORKER_LOCKS = { lockDuration: 5_000, stalledInterval: 1_500, maxStalledCount: 1_000_000 };

/** Starts consuming. */
export function startWorker(
  backend: JobBackend,
  queueName: string,
  handler: JobHandler,
  { concurrency = 1, onError = () => undefined }: WorkerSettings = {},
): JobWorker {
  const { Worker } = bullClasses(backend);
  const consumer = new Consumer(backend);
  const options = { ...consumer.options, ...WORKER_LOCKS, concurrency };
  const worker = new Worker(queueName, (job: Job) => consumer.run(handler, job), options);
  worker.on('error', (error) => onError(error, undefined));
  worker.on('failed', (job, error) => onError(error, job?.id));
  return { close: () => consumer.close(worker) };
}
