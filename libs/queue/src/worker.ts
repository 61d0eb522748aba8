import type { Job } from 'bullmq';
import { bullClasses, bullOptions, type JobBackend } from './backend.js';

export interface RunningJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  /** 1 for the first; a job whose worker died keeps its number. */
  readonly attempt: number;
}

/** Works on one job. It may run twice: the handler must not mind. */
export type JobHandler = (job: RunningJob) => Promise<void>;

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
export const WORKER_LOCKS = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 1_000 };

/** A job of BullMQ in our words. */
export function runningJob(job: Job): RunningJob {
  return { id: job.id ?? '', name: job.name, data: job.data as unknown, attempt: job.attemptsMade + 1 };
}

/** Starts consuming. */
export function startWorker(
  backend: JobBackend,
  queueName: string,
  handler: JobHandler,
  { concurrency = 1, onError = () => undefined }: WorkerSettings = {},
): JobWorker {
  const { Worker } = bullClasses(backend);
  const options = { ...bullOptions(backend), ...WORKER_LOCKS, concurrency };
  const worker = new Worker(queueName, (job: Job) => handler(runningJob(job)), options);
  worker.on('error', (error) => onError(error, undefined));
  worker.on('failed', (job, error) => onError(error, job?.id));
  return { close: () => worker.close() };
}
