import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import type { Span } from './spans.js';

const AT = (micros: string) => `('epoch'::timestamptz + ${micros} * interval '1 microsecond')`;

/** How far a node's conntrack has come: what it has not answered by then may be judged. */
export interface Watermark {
  readonly emitterId: number;
  readonly node: string;
  readonly at: Instant;
  /** Where it stood in the run before; undefined in the first one. */
  readonly before: Instant | undefined;
}

// Finished batches are in correlated_until already; what is not stored yet may be what answers.
const WATERMARKS = `
  WITH told AS (SELECT emitter_id, max(observed_to) AS at FROM raw_batch
                 WHERE id = ANY($2) AND (format LIKE 'conntrack%' OR format = 'nfct-json') GROUP BY emitter_id)
  SELECT e.id, e.node, ${MICROS('e.correlated_until')} AS before,
         ${MICROS(`greatest(e.correlated_until, (SELECT max(f.observed_at) FROM flow f WHERE f.emitter_id = e.id),
           (SELECT max(c.to_time) FROM coverage c WHERE c.emitter_id = e.id AND c.channel = 'conntrack'),
           told.at)`)} AS at
    FROM emitter e LEFT JOIN told ON told.emitter_id = e.id WHERE e.cluster_id = $1`;

/** How far each node has come with what is stored, these batches included. */
export async function loadWatermarks(
  client: pg.PoolClient,
  clusterId: number,
  batches: readonly bigint[],
): Promise<readonly Watermark[]> {
  const { rows } = await client.query<{ id: number; node: string; before: bigint | null; at: bigint | null }>(
    WATERMARKS,
    [clusterId, batches],
  );
  return rows.flatMap(({ id, node, before, at }) => {
    if (at === null) return [];
    return [{ emitterId: id, node, at: Number(at), before: before === null ? undefined : Number(before) }];
  });
}

const LEFT_OPEN = `
  SELECT w.before FROM unnest($1::int4[], $2::int8[]) AS w(id, before)
   WHERE EXISTS (SELECT FROM flow f WHERE f.emitter_id = w.id AND f.unreplied
                    AND f.observed_at BETWEEN ${AT('w.before')} - $3::int8 * interval '1 microsecond' AND ${AT('w.before')})`;

/**
 * What the run before left open: connections that nobody had answered while their node's stream had not come further than
 * `settle` µs behind them. However late it goes on, they are looked at once more.
 */
export async function leftOpen(
  client: pg.PoolClient,
  watermarks: readonly Watermark[],
  settle: number,
): Promise<readonly Span[]> {
  const moved = watermarks.filter(({ at, before }) => before !== undefined && at > before);
  const columns = [moved.map(({ emitterId }) => emitterId), moved.map(({ before }) => before)];
  const { rows } = await client.query<{ before: bigint }>(LEFT_OPEN, [...columns, settle]);
  return rows.map(({ before }) => [Number(before) - settle, Number(before)]);
}

/** Notes how far each node's conntrack had come; it never goes back. */
export async function keepWatermarks(client: pg.PoolClient, watermarks: readonly Watermark[]): Promise<void> {
  await client.query(
    `UPDATE emitter e SET correlated_until = w.at FROM unnest($1::int4[], $2::timestamptz[]) AS w(id, at)
      WHERE e.id = w.id AND e.correlated_until IS DISTINCT FROM w.at`,
    [watermarks.map(({ emitterId }) => emitterId), watermarks.map(({ at }) => formatInstant(at))],
  );
}
