import type { JobQueue } from '@whydrop/queue';
import type { Instant } from '@whydrop/model';
import type { Database } from '@whydrop/storage';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A job as a step sees it: a pointer, and nothing of the queue. */
export interface Job {
  readonly data: unknown;
}

/** Finished objects that the steps work with; opened and closed by whoever composes the process. */
export interface Steps {
  readonly database: Database;
  readonly storeQueue: Pick<JobQueue, 'enqueue' | 'enqueueAll'>;
  readonly correlateQueue: Pick<JobQueue, 'enqueue' | 'enqueueAll'>;
  readonly log: Log;
  /** Our clock. */
  readonly now: () => Instant;
}

/** Under which Nest gives the steps to what runs beside the queues. */
export const STEPS = Symbol('STEPS');
