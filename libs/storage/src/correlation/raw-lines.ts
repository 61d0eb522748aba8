import { gunzipSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';

interface Payload {
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** Of the text, and of what tells its lines apart. */
  readonly size: number;
}

/** Inflated payloads of recent batches: witnesses of one attempt lie close together. */
export type PayloadCache = LRUCache<bigint, Payload>;

/** What a line costs beside its text. */
const LINE = 32;

export function createPayloadCache(maxSize: number = 64 * 1024 * 1024): PayloadCache {
  return new LRUCache({ maxSize, sizeCalculation: ({ size }) => size });
}

/** So many payloads are held at once, whether or not the cache has room for them. */
const AT_ONCE = 16;

interface Row {
  readonly id: bigint;
  readonly first_line: number;
  readonly payload: Buffer;
}

function payloadOf({ first_line: firstLine, payload }: Row): Payload {
  const text = gunzipSync(payload).toString('utf8');
  const lines = text.split('\n');
  return { firstLine, lines, size: text.length + LINE * (lines.length + 1) };
}

async function load(
  client: pg.PoolClient,
  payloads: PayloadCache,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, Payload>> {
  const found = new Map<bigint, Payload>();
  for (const id of ids) {
    const known = payloads.get(id);
    if (known) found.set(id, known);
  }
  const wanted = ids.filter((id) => !found.has(id));
  if (wanted.length === 0) return found;
  const text = 'SELECT id, first_line, payload FROM raw_batch WHERE id = ANY($1)';
  const { rows } = await client.query<Row>(text, [wanted]);
  for (const row of rows) {
    const payload = payloadOf(row);
    found.set(row.id, payload);
    payloads.set(row.id, payload);
  }
  return found;
}

/** Where a record was read. */
interface Place {
  readonly batchId: bigint;
  readonly line: number;
}

/** The lines that records were read from, as they were received. Records keep only their batch and line number. */
export async function rawLines(
  client: pg.PoolClient,
  payloads: PayloadCache,
  places: readonly Place[],
): Promise<readonly string[]> {
  const found: string[] = [];
  const byBatch = new Map<bigint, number[]>();
  for (const [at, { batchId }] of places.entries()) {
    const own = byBatch.get(batchId);
    if (own) own.push(at);
    else byBatch.set(batchId, [at]);
  }
  const ids = [...byBatch.keys()].toSorted((a, b) => Number(a - b));
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const loaded = await load(client, payloads, ids.slice(start, start + AT_ONCE));
    for (const [id, { firstLine, lines }] of loaded) {
      for (const at of byBatch.get(id) ?? []) {
        found[at] = lines[(places[at]?.line ?? 0) - firstLine]?.replace(/\r$/, '') ?? '';
      }
    }
  }
  return Array.from(places, (_, at) => found[at] ?? '');
}
