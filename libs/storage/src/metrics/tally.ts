import type pg from 'pg';

export const RECORDS = 'whydrop_ingest_records_total';
export const REJECTS = 'whydrop_rejects_total';
/** Not a counter: microseconds since 1970 of the last batch of a node. */
export const LAST_SEEN = 'whydrop_collector_last_seen_timestamp_seconds';

/** Batches that one scrape adds up at most; the next one goes on. */
const AT_ONCE = 20_000;

// A stored batch is added up once, by whoever marks it: retention may take it away after that.
const TALLY = `
  WITH done AS MATERIALIZED (
    UPDATE batch_stage s SET tallied = true
      FROM (SELECT batch_id, stage FROM batch_stage WHERE NOT tallied
             ORDER BY batch_id LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED) AS o
     WHERE s.batch_id = o.batch_id AND s.stage = o.stage
    RETURNING s.batch_id, s.stage, s.rows, s.rejects),
  stored AS MATERIALIZED (
    SELECT d.batch_id, d.rows, d.rejects, b.format, b.received_at, c.name AS cluster, e.node
      FROM done d JOIN raw_batch b ON b.id = d.batch_id
      JOIN emitter e ON e.id = b.emitter_id JOIN cluster c ON c.id = e.cluster_id
     WHERE d.stage = 'store'),
  sums AS (
    SELECT '${RECORDS}' AS name, ARRAY[format, 'stored'] AS labels, sum(rows) AS n FROM stored GROUP BY 2
    UNION ALL SELECT '${RECORDS}', ARRAY[format, 'rejected'], sum(rejects) FROM stored GROUP BY 2
    UNION ALL SELECT '${REJECTS}', ARRAY[s.format, r.reason], count(*)
                FROM stored s JOIN reject r ON r.batch_id = s.batch_id GROUP BY 2
    UNION ALL SELECT '${LAST_SEEN}', ARRAY[cluster, node], max(extract(epoch FROM received_at) * 1000000)
                FROM stored GROUP BY 2)
  INSERT INTO metric_total AS t (name, key, labels, value, last)
  SELECT name, array_to_json(labels)::text, labels, n::int8, n::int8 FROM sums
      ON CONFLICT (name, key) DO UPDATE
     SET value = CASE WHEN t.name = '${LAST_SEEN}' THEN greatest(t.value, excluded.value) ELSE t.value + excluded.value END,
         last = excluded.last, updated_at = now()`;

/** Adds batches that were stored since the last time to what was ingested. */
export async function tallyBatches(client: pg.PoolClient): Promise<void> {
  await client.query(TALLY);
}
