import { Worker } from 'bullmq';
import { bullOptions, type JobBackend } from './backend.js';

export interface RunningJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  readonly attempt: number;
}

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
 * A job whose worker was killed runs again after about nine seconds. A stall is no attempt: a neighbour that kills the worker
 * again and again must not fail innocent jobs, so the limit is high; attempts are counted in Postgres.
 */
const LOCKS = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 1_000 };

/** Starts consuming. Jobs may run twice: the handler must not mind. */
export function startWorker(
  backend: JobBackend,
  name: string,
  handler: (job: RunningJob) => Promise<void>,
  { concurrency = 1, onError = () => undefined }: WorkerSettings = {},
): JobWorker {
  const worker = new Worker(
    name,
    (job) => handler({ id: job.id ?? '', name: job.name, data: job.data as unknown, attempt: job.attemptsMade + 1 }),
    { ...bullOptions(backend, 'consumer'), concurrency, ...LOCKS },
  );
  worker.on('error', (error) => onError(error, undefined));
  worker.on('failed', (job, error) => onError(error, job?.id));
  return { close: () => worker.close() };
}
