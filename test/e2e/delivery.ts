import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BundleBatch, bundleBatches, openBundle } from '../../apps/cli/src/import/bundle.js';
import { type Backend, type Stack, startStack, storedResult } from './stack.js';

/** The bundle whose delivery is varied. */
export const BUNDLE = path.resolve(import.meta.dirname, '../scenarios/contrail-three-tier/bundle');

export async function batchesOf(directory: string): Promise<readonly BundleBatch[]> {
  const found: BundleBatch[] = [];
  for await (const batch of bundleBatches(await openBundle(directory))) found.push(batch);
  return found;
}

export async function waitUntilWorked(stack: Stack, timeout = 60_000): Promise<void> {
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

export async function ship(stack: Stack, batches: readonly BundleBatch[]): Promise<void> {
  for (const { envelope, payload } of batches) await stack.client.ship(envelope, payload);
}

export async function resultOf(kind: Backend, deliver: (stack: Stack) => Promise<void>): Promise<string> {
  const stack = await startStack(kind);
  try {
    await deliver(stack);
    await waitUntilWorked(stack);
    return await storedResult(stack.database);
  } finally {
    await stack.stop();
  }
}
