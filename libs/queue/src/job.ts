import type { Job } from 'bullmq';

/** A job that is being worked on. */
export interface RunningJob {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
  /** 1 for the first; a job whose worker died keeps its number. */
  readonly attempt: number;
}

/** Works on one job. It may run twice: the handler must not mind. */
export type JobHandler = (job: RunningJob) => Promise<void>;

/** A job of BullMQ in our words. */
export function runningJob(job: Job): RunningJob {
  return { id: job.id ?? '', name: job.name, data: job.data as unknown, attempt: job.attemptsMade + 1 };
}
