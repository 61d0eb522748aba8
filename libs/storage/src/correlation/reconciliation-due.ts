import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';

/** Sets and addresses are read next to the ruleset, a moment before or after it. In µs. */
export const NEXT_TO = 1_000_000;

// What a batch bears on: its own node from its first snapshot on; every node from the first change of an object on.
const NOTE = `
  WITH batch AS (
    SELECT b.id, b.emitter_id, b.format, t.touched FROM raw_batch b
      JOIN batch_stage t ON t.batch_id = b.id AND t.stage = 'store' WHERE b.id = ANY($2)),
  own AS (
    SELECT emitter_id, CASE WHEN format LIKE 'interfaces%' AND touched -> 'context' <> 'null' THEN 0
                            ELSE (touched #>> '{snapshots,0}')::int8 - ${NEXT_TO} END AS from_time
      FROM batch WHERE format LIKE 'ip%tables%' OR format LIKE 'ipset%' OR format LIKE 'nft%' OR format LIKE 'interfaces%'),
  changed AS (
    SELECT min((touched #>> '{context,0}')::int8) AS from_time FROM batch
     WHERE EXISTS (SELECT 1 FROM object_version v WHERE v.batch_id = batch.id)),
  due AS (
    SELECT emitter_id, from_time FROM own
    UNION ALL
    SELECT e.id, c.from_time FROM changed c, emitter e WHERE e.cluster_id = $1 AND e.node <> '')
  INSERT INTO reconciliation_due (emitter_id, cluster_id, from_time)
  SELECT emitter_id, $1, 'epoch'::timestamptz + greatest(min(from_time), 0) * interval '1 microsecond'
    FROM due WHERE from_time IS NOT NULL GROUP BY emitter_id`;

/** Notes which nodes have to be compared again because of batches, in the transaction that finishes them. */
export async function noteReconciliation(
  client: pg.PoolClient,
  clusterId: number,
  batches: readonly bigint[],
): Promise<void> {
  await client.query(NOTE, [clusterId, batches]);
}

/** One node that has to be compared again. */
export interface DueNode {
  readonly emitterId: number;
  readonly clusterId: number;
  readonly cluster: string;
  readonly node: string;
  readonly from: Instant;
}

interface DueRow {
  readonly emitter_id: number;
  readonly cluster_id: number;
  readonly cluster: string;
  readonly node: string;
  readonly from: bigint;
}

/** Nodes that have to be compared again, those that have waited longest first. */
export async function dueEmitters(client: Pick<pg.PoolClient, 'query'>): Promise<readonly number[]> {
  const { rows } = await client.query<{ emitter_id: number }>(
    'SELECT emitter_id FROM reconciliation_due GROUP BY emitter_id ORDER BY min(id)',
  );
  return rows.map((row) => row.emitter_id);
}

/**
 * Takes everything that is due for a node, in the transaction that writes what comes of it. One comparison of a node at
 * a time; undefined when another one has taken it, or is at it: what came since then stays due.
 */
export async function takeDue(client: pg.PoolClient, emitterId: number): Promise<DueNode | undefined> {
  const lock = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock(72707373, $1) AS mine', [
    emitterId,
  ]);
  if (lock.rows[0]?.mine !== true) return undefined;
  const { rows } = await client.query<DueRow>(
    `WITH taken AS (DELETE FROM reconciliation_due WHERE emitter_id = $1 RETURNING from_time)
     SELECT e.id AS emitter_id, e.cluster_id, c.name AS cluster, e.node, ${MICROS('min(t.from_time)')} AS from
       FROM taken t, emitter e JOIN cluster c ON c.id = e.cluster_id WHERE e.id = $1
      GROUP BY e.id, e.cluster_id, c.name, e.node`,
    [emitterId],
  );
  const row = rows[0];
  if (!row) return undefined;
  const { cluster, node } = row;
  return { emitterId: row.emitter_id, clusterId: row.cluster_id, cluster, node, from: Number(row.from) };
}
