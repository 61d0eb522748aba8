import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { testDatabase, testRedis } from '@whydrop/testing';
import type { JobBackend } from './backend.js';
import { JobsModule, type JobStep } from './jobs.module.js';
import { openQueue } from './queue.js';

const redis = await testRedis();
const database = await testDatabase({ empty: true });
const BACKENDS: readonly JobBackend[] = [
  ...(redis ? [{ kind: 'redis', url: redis.url, prefix: `test-${randomBytes(6).toString('hex')}` } as const] : []),
  { kind: 'postgres', url: database.url },
];

afterAll(async () => {
  await redis?.stop();
  await database.drop();
});

describe.each(BACKENDS)('jobs in a Nest process, on $kind', (backend) => {
  const log: string[] = [];

  @Injectable()
  class Connection implements OnApplicationShutdown {
    onApplicationShutdown(): void {
      log.push('connection closed');
    }
  }

  @Module({ providers: [Connection], exports: [Connection] })
  class StorageModule {
    constructor(@Inject(Connection) readonly connection: Connection) {}
  }

  const start = async (steps: readonly JobStep[]) => {
    const onError = (error: Error, jobId: string | undefined) => log.push(`${jobId}: ${error.message}`);
    const jobs = JobsModule.forRoot({ backend, steps, onError });
    @Module({ imports: [StorageModule, jobs] })
    class AppModule {}
    return NestFactory.createApplicationContext(AppModule, { abortOnError: false, logger: ['error', 'warn'] });
  };

  it('each step works on its queue; at shutdown the running job ends before connections are closed', async () => {
    const [first, second] = [`a-${randomBytes(4).toString('hex')}`, `b-${randomBytes(4).toString('hex')}`];
    const queues = [openQueue(backend, first), openQueue(backend, second)] as const;
    let running: () => void = () => undefined;
    const underWay = new Promise<void>((resolve) => (running = resolve));
    const app = await start([
      { queue: first, concurrency: 1, process: (job) => queues[1].enqueue('b', `b-${job.id}`, job.data as object) },
      {
        queue: second,
        concurrency: 1,
        process: async (job) => {
          running();
          await new Promise((resolve) => setTimeout(resolve, 300));
          log.push(`done ${job.id} ${JSON.stringify(job.data)}`);
        },
      },
    ]);
    try {
      await queues[0].enqueue('a', 'job-1', { n: 1 });
      await underWay;
    } finally {
      await app.close();
    }
    expect(log.splice(0)).toEqual(['done b-job-1 {"n":1}', 'connection closed']);
    expect(await queues[1].counts()).toMatchObject({ waiting: 0, active: 0, failed: 0 });
    for (const queue of queues) await queue.close();
  });

  it('tells of a job that failed', async () => {
    const name = `c-${randomBytes(4).toString('hex')}`;
    const queue = openQueue(backend, name);
    const app = await start([{ queue: name, concurrency: 1, process: () => Promise.reject(new Error('no')) }]);
    try {
      await queue.enqueue('a', 'job-2', {});
      for (const end = Date.now() + 10_000; log.length === 0; await new Promise((resolve) => setTimeout(resolve, 20))) {
        if (Date.now() > end) throw new Error('nothing was told');
      }
    } finally {
      await app.close();
      await queue.close();
    }
    expect(log.splice(0)[0]).toBe('job-2: no');
  });
});
