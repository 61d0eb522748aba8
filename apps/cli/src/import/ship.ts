import { SingleBar } from 'cli-progress';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import type { Accepted, Progress, WhydropClient } from '../server/client.js';
import { type Bundle, bundleBatches } from './bundle.js';

/** What became of a bundle's batches. */
export interface Shipped extends Progress {
  readonly duplicates: number;
  readonly bytes: number;
}

const IN_FLIGHT = 4;
const NAMED_AT_ONCE = 500;
const POLL_MS = 100;
/** Without any progress for this long, something is wrong on the other side. */
const STALLED_MS = 120_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function progressBar(io: Io, format: string): SingleBar | undefined {
  return io.interactive
    ? new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true })
    : undefined;
}

async function shipAll(client: WhydropClient, bundle: Bundle, io: Io) {
  const bar = progressBar(io, 'shipping {bar} {value} batches');
  bar?.start(bundle.files.length + 1, 0);
  const ids: string[] = [];
  const sum = { duplicates: 0, bytes: 0 };
  const pending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const { envelope, payload } of bundleBatches(bundle)) {
      const shipped = ({ batchId, duplicate }: Accepted) => {
        ids.push(batchId);
        sum.duplicates += duplicate ? 1 : 0;
        sum.bytes += payload.length;
        bar?.setTotal(Math.max(ids.length, bundle.files.length + 1));
        bar?.increment();
      };
      // Failures are kept, not thrown: the next may come while nobody waits for it.
      const work = client.ship(envelope, payload).then(shipped, (error: unknown) => void failures.push(error));
      const tracked = work.finally(() => pending.delete(tracked));
      pending.add(tracked);
      if (pending.size >= IN_FLIGHT) await Promise.race(pending);
      if (failures.length > 0) break;
    }
    await Promise.all(pending);
    if (failures.length > 0) throw failures[0];
  } finally {
    bar?.stop();
  }
  return { ids, ...sum };
}

async function progressOf(client: WhydropClient, cluster: string, ids: readonly string[]): Promise<Progress> {
  const total = { batches: 0, stored: 0, correlated: 0, failing: 0, rejects: 0 };
  for (let at = 0; at < ids.length; at += NAMED_AT_ONCE) {
    const part = await client.progress(cluster, ids.slice(at, at + NAMED_AT_ONCE));
    for (const key of Object.keys(total) as (keyof Progress)[]) total[key] += part[key];
  }
  return total;
}

async function waitUntilWorked(
  client: WhydropClient,
  cluster: string,
  ids: readonly string[],
  io: Io,
): Promise<Progress> {
  const bar = progressBar(io, 'working through {bar} {value}/{total} batches');
  bar?.start(ids.length, 0);
  let seen = -1;
  let movedAt = Date.now();
  try {
    for (;;) {
      const progress = await progressOf(client, cluster, ids);
      bar?.update(progress.correlated);
      if (progress.correlated >= ids.length) return progress;
      if (progress.stored + progress.correlated !== seen) movedAt = Date.now();
      seen = progress.stored + progress.correlated;
      if (Date.now() - movedAt > STALLED_MS) {
        const open = ids.length - progress.correlated;
        throw new UsageError(`${open} batches are stored but nobody works on them: is a worker running?`);
      }
      await sleep(POLL_MS);
    }
  } finally {
    bar?.stop();
  }
}

/** Sends a bundle through the ingest that collectors use, and waits until every batch is worked through. */
export async function shipBundle(client: WhydropClient, bundle: Bundle, io: Io): Promise<Shipped> {
  const { ids, duplicates, bytes } = await shipAll(client, bundle, io);
  const progress = await waitUntilWorked(client, bundle.manifest.cluster, ids, io);
  return { ...progress, duplicates, bytes };
}
