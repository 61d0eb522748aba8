import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { batchesOf, BUNDLE, resultOf, ship, waitUntilWorked } from './delivery.js';
import { backends, type Stack, startStack, storedResult } from './stack.js';

jest.setTimeout(120_000);

/** Deletes every key of this test's queues; others share the server. How many there were. */
async function forget(backend: Stack['backend']): Promise<number> {
  if (backend.kind !== 'redis') return 0;
  const redis = new Redis(backend.url);
  const keys = await redis.keys(`${backend.prefix}:*`);
  if (keys.length > 0) await redis.del(keys);
  await redis.quit();
  return keys.length;
}

describe.each(backends().filter((kind) => kind === 'redis'))('jobs in %s', () => {
  it('what Redis forgot is swept up: emptied after the batches were acknowledged, nothing is lost', async () => {
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
