import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { bullOptions, type BullOptions, type JobBackend } from './backend.js';
import { hangUp } from './redis/hang-up.js';
import { type JobHandler, runningJob } from './job.js';

const GIVE_UP_MS = 5_000;

/** The connection of a worker and the jobs it runs: what it takes to close it without losing or awaiting too much. */
export class Consumer {
  readonly options: BullOptions;
  private readonly redis: Redis | undefined;
  private readonly running = new Set<Promise<void>>();

  constructor(backend: JobBackend) {
    this.options = bullOptions(backend);
    if (backend.kind === 'postgres') return;
    this.redis = new Redis(backend.url, { maxRetriesPerRequest: null, disconnectTimeout: 100 });
    this.redis.on('error', () => undefined); // the worker reports it as well
    this.options = { ...this.options, connection: this.redis };
  }

  /** Runs a job and remembers that it runs. */
  async run(handler: JobHandler, job: Job): Promise<void> {
    const work = handler(runningJob(job));
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.running.add(settled);
    await work.finally(() => this.running.delete(settled));
  }

  /**
   * Takes no new job and waits for those that run. BullMQ's own close waits for Redis too, for ever when it is away; what could
   * not be reported to it then is run again by another worker, as after a crash.
   */
  async close(worker: Worker): Promise<void> {
    if (this.redis && this.redis.status !== 'ready') {
      await worker.pause(true);
      await this.idle();
      await worker.close(true);
    } else {
      const patience = this.idle().then(() => sleep(GIVE_UP_MS, 'given up' as const, { ref: false }));
      const outcome = await Promise.race([worker.close(), patience]);
      // Redis went away in between: nobody may wait for that close again.
      if (outcome === 'given up') worker.close = () => Promise.resolve();
    }
    if (this.redis) await hangUp(this.redis);
  }

  private async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }
}
