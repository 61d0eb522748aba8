import { randomBytes } from 'node:crypto';
import { testDatabase, testRedis } from '@whydrop/testing';
import type { JobBackend } from './backend.js';
import { openQueue, type JobQueue } from './queue.js';
import type { JobHandler, RunningJob } from './job.js';
import { startWorker, type JobWorker, type WorkerSettings } from './worker.js';

interface Provided {
  readonly backend: JobBackend;
  readonly stop: () => Promise<void>;
}

async function onRedis(): Promise<Provided | undefined> {
  const redis = await testRedis();
  if (!redis) return undefined;
  const backend: JobBackend = { kind: 'redis', url: redis.url, prefix: `test-${randomBytes(6).toString('hex')}` };
  return { backend, stop: () => redis.stop() };
}

async function onPostgres(): Promise<Provided> {
  const database = await testDatabase({ empty: true });
  return { backend: { kind: 'postgres', url: database.url }, stop: () => database.drop() };
}

const BACKENDS = [await onRedis(), await onPostgres()].filter((provided) => provided !== undefined);

async function until(condition: () => boolean | Promise<boolean>, milliseconds = 15_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.each(BACKENDS)('jobs on $backend.kind', ({ backend, stop }) => {
  const open: { close(): Promise<void> }[] = [];
  let queueName = '';

  const producer = (): JobQueue => {
    const queue = openQueue(backend, queueName);
    open.push(queue);
    return queue;
  };
  const consumer = (handler: JobHandler, settings?: WorkerSettings): JobWorker => {
    const worker = startWorker(backend, queueName, handler, settings);
    open.push(worker);
    return worker;
  };

  beforeEach(() => {
    queueName = `q-${randomBytes(4).toString('hex')}`;
  });

  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  afterAll(stop);

  it('the first job of a process is taken, and runs with its name, id and data', async () => {
    const seen: RunningJob[] = [];
    consumer(async (job) => void seen.push(job));
    await producer().enqueue('store', 'store-17', { version: 1, batchId: '17' });
    await until(() => seen.length === 1);
    expect(seen).toEqual([{ id: 'store-17', name: 'store', data: { version: 1, batchId: '17' }, attempt: 1 }]);
  });

  it('an id that is waiting is one job with its first data; once done the same id runs again', async () => {
    const queue = producer();
    await queue.enqueue('a', 'same-1', { n: 1 });
    await queue.enqueue('a', 'same-1', { n: 2 });
    await queue.enqueueAll([
      { name: 'a', jobId: 'same-1', data: { n: 3 } },
      { name: 'a', jobId: 'other-1', data: { n: 4 } },
    ]);
    expect(await queue.counts()).toEqual({ waiting: 2, active: 0, delayed: 0, failed: 0 });
    const seen: unknown[] = [];
    consumer(async (job) => void seen.push(job.data));
    await until(() => seen.length === 2);
    expect(seen).toEqual([{ n: 1 }, { n: 4 }]);
    await until(async () => (await queue.counts()).active === 0);
    await queue.enqueue('a', 'same-1', { n: 5 });
    await until(() => seen.length === 3);
    expect(seen[2]).toEqual({ n: 5 });
  });

  it('a failing job is tried three times and then forgotten, so that it can be asked for again', async () => {
    const attempts: number[] = [];
    const errors: (string | undefined)[] = [];
    const queue = producer();
    const fail = async (job: RunningJob) => {
      attempts.push(job.attempt);
      throw new Error(`no ${job.attempt}`);
    };
    consumer(fail, { onError: (error, jobId) => errors.push(`${jobId} ${error.message}`) });
    await queue.enqueue('a', 'failing-1', {});
    await until(() => errors.length === 3);
    expect(attempts).toEqual([1, 2, 3]);
    expect(errors).toEqual(['failing-1 no 1', 'failing-1 no 2', 'failing-1 no 3']);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
    await queue.enqueue('a', 'failing-1', {});
    await until(() => attempts.length === 4);
  });

  it('runs as many jobs at once as it is told', async () => {
    let running = 0;
    let most = 0;
    let done = 0;
    const work = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 100));
      running--;
      done++;
    };
    const queue = producer();
    await queue.enqueueAll(Array.from({ length: 6 }, (_, i) => ({ name: 'a', jobId: `job-${i}`, data: {} })));
    consumer(work, { concurrency: 3 });
    await until(() => done === 6);
    expect(most).toBe(3);
  });

  it('close waits for the running job and takes no other', async () => {
    const queue = producer();
    await queue.enqueueAll(['one-1', 'two-2'].map((jobId) => ({ name: 'a', jobId, data: {} })));
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const finished: string[] = [];
    const started: string[] = [];
    const worker = consumer(async (job) => {
      started.push(job.id);
      await gate;
      finished.push(job.id);
    });
    await until(() => started.length === 1);
    let closed = false;
    const closing = worker.close().then(() => (closed = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(closed).toBe(false);
    release();
    await closing;
    expect(finished).toEqual(['one-1']);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
  });
});
