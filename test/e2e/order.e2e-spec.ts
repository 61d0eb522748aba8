import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { bundleBatches, openBundle, type BundleBatch } from '../../apps/cli/src/import/bundle.js';
import { shipBundle } from '../../apps/cli/src/import/ship.js';
import { type Backend, backends, type Stack, startStack, storedResult } from './stack.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const IO = { stdout: () => undefined, stderr: () => undefined, interactive: false };
const BUNDLE = path.join(ROOT, 'test/scenarios/contrail-three-tier/bundle');

async function batchesOf(directory: string): Promise<readonly BundleBatch[]> {
  const found: BundleBatch[] = [];
  for await (const batch of bundleBatches(await openBundle(directory))) found.push(batch);
  return found;
}

/** The same numbers for the same seed: a failing order can be run again. */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  let state = seed;
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Cuts every log line by line, as a collector that ships at once would. */
function split(batches: readonly BundleBatch[]): readonly BundleBatch[] {
  return batches.flatMap(({ envelope, payload }) => {
    if (!/\.log$/.test(envelope.stream)) return [{ envelope, payload }];
    const lines = payload.toString().split(/(?<=\n)/);
    return lines.map((line, at) => ({
      envelope: { ...envelope, sequence: at, firstLine: at + 1, epoch: envelope.epoch + 1 },
      payload: Buffer.from(line),
    }));
  });
}

async function waitUntilWorked(stack: Stack, timeout = 60_000): Promise<void> {
  const until = Date.now() + timeout;
  for (;;) {
    const { rows } = await stack.database.pool.query<{ open: bigint }>(
      'SELECT count(*) AS open FROM raw_batch WHERE finished_at IS NULL',
    );
    if (rows[0]?.open === 0n) return;
    if (Date.now() > until) throw new Error(`${rows[0]?.open} batches are still open`);
    await sleep(50);
  }
}

async function ship(stack: Stack, batches: readonly BundleBatch[]): Promise<void> {
  for (const { envelope, payload } of batches) await stack.client.ship(envelope, payload);
}

async function resultOf(kind: Backend, deliver: (stack: Stack) => Promise<void>): Promise<string> {
  const stack = await startStack(kind);
  try {
    await deliver(stack);
    await waitUntilWorked(stack);
    return await storedResult(stack.database);
  } finally {
    await stack.stop();
  }
}

describe.each(backends())('jobs in %s', (kind) => {
  let batches: readonly BundleBatch[];
  let wanted: string;

  beforeAll(async () => {
    batches = await batchesOf(BUNDLE);
    wanted = await resultOf(kind, (stack) => ship(stack, batches));
    expect(JSON.parse(wanted)).toMatchObject({ drops: { length: 7 } });
  });

  it('importing a bundle twice gives the same rows', async () => {
    const twice = await resultOf(kind, async (stack) => {
      const bundle = await openBundle(BUNDLE);
      const first = await shipBundle(stack.client, bundle, IO);
      const again = await shipBundle(stack.client, bundle, IO);
      expect([first.duplicates, again.duplicates]).toEqual([0, batches.length]);
      const { rows } = await stack.database.pool.query<{ count: bigint }>('SELECT count(*) FROM flow');
      const { rows: lines } = await stack.database.pool.query<{ count: bigint }>(
        'SELECT count(*) FROM (SELECT DISTINCT batch_id, line FROM flow) f',
      );
      expect(rows[0]?.count).toBe(lines[0]?.count);
    });
    expect(twice).toBe(wanted);
  });

  it.each([1, 2, 3])('batches in any order give the same rows (seed %d)', async (seed) => {
    expect(await resultOf(kind, (stack) => ship(stack, shuffled(batches, seed)))).toBe(wanted);
  });

  it('single lines, late and out of order, give the same rows', async () => {
    const late = await resultOf(kind, async (stack) => {
      const pieces = shuffled(split(batches), 7);
      await ship(stack, pieces.slice(0, pieces.length / 2));
      await waitUntilWorked(stack);
      await ship(stack, pieces.slice(pieces.length / 2));
    });
    expect(late).toBe(wanted);
  });

  it('killing the worker with -9 in the middle and starting it again gives the same rows', async () => {
    const stack = await startStack(kind, { worker: false });
    try {
      await ship(stack, batches);
      for (let kills = 0; kills < 3; kills++) {
        const worker = startWorkerProcess(stack);
        await untilSomethingStored(stack, kills);
        worker.kill('SIGKILL');
        await once(worker, 'exit');
      }
      await stack.startWorker();
      await waitUntilWorked(stack);
      expect(await storedResult(stack.database)).toBe(wanted);
    } finally {
      await stack.stop();
    }
  });
});

describe('jobs in Redis', () => {
  const redis = backends().includes('redis') ? it : it.skip;

  redis('what Redis forgot is swept up: emptied after the batches were acknowledged, nothing is lost', async () => {
    const batches = await batchesOf(BUNDLE);
    const wanted = await resultOf('redis', (stack) => ship(stack, batches));
    const stack = await startStack('redis', { worker: false });
    try {
      await ship(stack, batches);
      expect(await forget(stack.backend)).toBeGreaterThan(batches.length);
      await stack.startWorker();
      await waitUntilWorked(stack);
      expect(await storedResult(stack.database)).toBe(wanted);
    } finally {
      await stack.stop();
    }
  });
});

/** Deletes every key of this test's queues; others share the server. How many there were. */
async function forget(backend: Stack['backend']): Promise<number> {
  if (backend.kind !== 'redis') return 0;
  const redis = new Redis(backend.url);
  const keys = await redis.keys(`${backend.prefix}:*`);
  if (keys.length > 0) await redis.del(keys);
  await redis.quit();
  return keys.length;
}

/** The worker as it runs in production: its own process, built. */
function startWorkerProcess({ databaseUrl, backend }: Stack) {
  const environment: NodeJS.ProcessEnv = { ...process.env, DATABASE_URL: databaseUrl, WHYDROP_LOG: 'silent' };
  delete environment['NODE_OPTIONS'];
  delete environment['REDIS_URL'];
  if (backend.kind === 'redis')
    Object.assign(environment, { REDIS_URL: backend.url, WHYDROP_QUEUE_PREFIX: backend.prefix });
  return spawn(process.execPath, [path.join(ROOT, 'dist/apps/worker/src/main.js')], {
    env: environment,
    stdio: 'inherit',
  });
}

/** Returns when the running worker has done some of the work, and not all of it. */
async function untilSomethingStored(stack: Stack, kills: number): Promise<void> {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    const { rows } = await stack.database.pool.query<{ done: bigint }>(
      "SELECT count(*) AS done FROM batch_stage WHERE stage = 'store'",
    );
    if ((rows[0]?.done ?? 0n) > BigInt(kills * 5)) return;
    await sleep(2);
  }
  throw new Error('the worker process stored nothing');
}
