import { gunzipSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';

interface Payload {
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** Inflated payloads of recent batches: witnesses of one attempt lie close together. */
export type PayloadCache = LRUCache<bigint, Payload>;

export function createPayloadCache(): PayloadCache {
  return new LRUCache({ maxSize: 64 * 1024 * 1024, sizeCalculation: ({ lines }) => 64 + lines.length * 200 });
}

async function load(client: pg.PoolClient, payloads: PayloadCache, ids: readonly bigint[]): Promise<void> {
  const wanted = [...new Set(ids)].filter((id) => !payloads.has(id));
  if (wanted.length === 0) return;
  const { rows } = await client.query<{ id: bigint; first_line: number; payload: Buffer }>(
    'SELECT id, first_line, payload FROM raw_batch WHERE id = ANY($1)',
    [wanted],
  );
  for (const row of rows) {
    const lines = gunzipSync(row.payload).toString('utf8').split('\n');
    payloads.set(row.id, { firstLine: row.first_line, lines });
  }
}

/** The lines that records were read from, as they were received. Records keep only their batch and line number. */
export async function rawLines(
  client: pg.PoolClient,
  payloads: PayloadCache,
  places: readonly { readonly batchId: bigint; readonly line: number }[],
): Promise<readonly string[]> {
  const found: string[] = [];
  // Batch by batch, so that a run over many batches stays within the cache.
  const order = places.map((place, at) => ({ ...place, at })).toSorted((a, b) => Number(a.batchId - b.batchId));
  for (let start = 0; start < order.length; start += 256) {
    const part = order.slice(start, start + 256);
    await load(
      client,
      payloads,
      part.map(({ batchId }) => batchId),
    );
    for (const { batchId, line, at } of part) {
      const payload = payloads.get(batchId);
      found[at] = payload?.lines[line - payload.firstLine]?.replace(/\r$/, '') ?? '';
    }
  }
  return found;
}
