import type { Queue } from 'bullmq';
import { bullClasses, bullOptions, type JobBackend } from './backend.js';
import { openProducer } from './producer.js';

export interface NewJob {
  readonly name: string;
  /** Decides whether it is the same job. Neither a number nor with a colon in it: `store-17`. */
  readonly jobId: string;
  /** A pointer: large things live in Postgres. */
  readonly data: object;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

/** The producing side of one queue. */
export interface JobQueue {
  /** Adds a job; one with the same id that is still there stays as it is. Rejects at once when Redis is away. */
  enqueue(name: string, jobId: string, data: object): Promise<void>;
  enqueueAll(jobs: readonly NewJob[]): Promise<void>;
  counts(): Promise<JobCounts>;
  close(): Promise<void>;
}

/** Done and failed jobs are forgotten: what is done stands in Postgres, and the same id must be able to run again. */
const JOB_OPTIONS = {
  removeOnComplete: true,
  removeOnFail: true,
  attempts: 3,
  backoff: { type: 'exponential', delay: 500 },
};

async function countJobs(queue: Queue): Promise<JobCounts> {
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = await queue.getJobCounts();
  return { waiting, active, delayed, failed };
}

/** Opens the producing side; connects in the background. */
export function openQueue(backend: JobBackend, queueName: string): JobQueue {
  const { Queue } = bullClasses(backend);
  const producer = openProducer(backend);
  const queue = new Queue(queueName, { ...bullOptions(backend), ...producer.options });
  // Connection errors are reported by every call; without a listener they would end the process.
  queue.on('error', () => undefined);
  const enqueueAll = async (jobs: readonly NewJob[]) => {
    await producer.ready();
    await queue.addBulk(jobs.map(({ name, jobId, data }) => ({ name, data, opts: { ...JOB_OPTIONS, jobId } })));
  };
  return {
    enqueue: (name, jobId, data) => enqueueAll([{ name, jobId, data }]),
    enqueueAll,
    counts: async () => {
      await producer.ready();
      return countJobs(queue);
    },
    close: () => producer.close(() => queue.close()),
  };
}
