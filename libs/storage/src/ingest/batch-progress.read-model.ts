import type { Database } from '../database.js';

/** Which batches of a cluster are meant: all, the named ones, or those after an id. */
export type BatchSelection =
  | { readonly kind: 'all' }
  | { readonly kind: 'named'; readonly ids: readonly string[] }
  | { readonly kind: 'since'; readonly id: string };

/** How far batches have come. All of `batches` are worked through when `correlated` equals it. */
export interface BatchProgress {
  readonly batches: number;
  /** Decoded and stored as rows. */
  readonly stored: number;
  /** Every stage is done. */
  readonly correlated: number;
  /** Not stored after five attempts: something is wrong with these, or with the worker. */
  readonly failing: number;
  /** Records that were not understood. */
  readonly rejects: number;
}

const PROGRESS = `
  SELECT count(*)::int AS batches,
         count(s.batch_id)::int AS stored,
         count(b.finished_at)::int AS correlated,
         count(*) FILTER (WHERE s.batch_id IS NULL AND b.attempts >= 5)::int AS failing,
         coalesce(sum(s.rejects), 0)::int AS rejects
  FROM raw_batch b
  JOIN emitter e ON e.id = b.emitter_id
  JOIN cluster c ON c.id = e.cluster_id
  LEFT JOIN batch_stage s ON s.batch_id = b.id AND s.stage = 'store'
  WHERE c.name = $1
    AND ($2::bigint[] IS NULL OR b.id = ANY ($2))
    AND ($3::bigint IS NULL OR b.id > $3)`;

/** Counts the selected batches of a cluster by how far they have come; zeros when there are none. */
export async function batchProgress(db: Database, cluster: string, which: BatchSelection): Promise<BatchProgress> {
  const ids = which.kind === 'named' ? which.ids : null;
  const since = which.kind === 'since' ? which.id : null;
  const { rows } = await db.pool.query<BatchProgress>(PROGRESS, [cluster, ids, since]);
  return rows[0] ?? { batches: 0, stored: 0, correlated: 0, failing: 0, rejects: 0 };
}
