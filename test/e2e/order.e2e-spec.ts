import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BundleBatch, openBundle } from '../../apps/cli/src/import/bundle.js';
import { batchesOf, BUNDLE, resultOf, ship, waitUntilWorked } from './delivery.js';
import { shipBundle } from '../../apps/cli/src/import/ship.js';
import { backends, type Stack, startStack, storedResult } from './stack.js';

// A killed worker's jobs run again after nine seconds, three times over, on a machine that may be busy.
jest.setTimeout(120_000);

const ROOT = path.resolve(import.meta.dirname, '../..');
const IO = { stdout: () => undefined, stderr: () => undefined, interactive: false };

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
