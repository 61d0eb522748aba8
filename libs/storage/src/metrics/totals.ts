import type pg from 'pg';
import { NAMESPACE } from '../rollup/dimensions.js';

/** A counter of what tables hold: labels in the order of `labels`, and the SQL that says how much they hold now. */
export interface Total {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** SELECT of `labels` (text[]) and `n`. */
  readonly now: string;
}

export const DROPS: Total = {
  name: 'whydrop_drops_total',
  help: 'Blocked connections by what decided; a policy without a series of its own is "other", no policy is "".',
  labels: ['cluster', 'namespace', 'direction', 'cause', 'policy'],
  now: `SELECT ARRAY[c.name, coalesce(${NAMESPACE}, ''), coalesce(g.direction, ''), g.cause,
                     coalesce(array_to_string(g.policies, ','), '')] AS labels, sum(g.drops) AS n
          FROM drop_group g JOIN cluster c ON c.id = g.cluster_id
         WHERE g.verdict IN ('dropped', 'rejected') GROUP BY 1`,
};

const COUNTED: Total = {
  name: 'whydrop_counted_packets_total',
  help: 'Packets that drop rules counted and that no blocked connection tells with addresses.',
  labels: ['cluster', 'namespace'],
  now: `SELECT ARRAY[c.name, s.value] AS labels, sum(d.counted) AS n
          FROM drop_slice s JOIN slice_day d ON d.group_id = s.id JOIN cluster c ON c.id = s.cluster_id
         WHERE s.dimension = 'namespace' AND s.verdict IN ('dropped', 'rejected') AND d.counted > 0 GROUP BY 1`,
};

const DELIVERIES: Total = {
  name: 'whydrop_webhook_deliveries_total',
  help: 'Messages to receivers of alerts by what became of them.',
  labels: ['outcome'],
  now: `SELECT ARRAY[o] AS labels, count(d.id) AS n FROM unnest(ARRAY['delivered', 'dead', 'skipped']) AS o
          LEFT JOIN alert_delivery d ON d.state = o GROUP BY 1`,
};

export const TOTALS: readonly Total[] = [DROPS, COUNTED, DELIVERIES];

// What vanished is 0 now: retention took it, and when it comes back it counts again.
const carried = ({ now }: Total) => `
  WITH now AS MATERIALIZED (${now}),
  said AS (SELECT labels, n::int8 AS n FROM now
           UNION ALL
           SELECT labels, 0 FROM metric_total t
            WHERE name = $1 AND last > 0 AND NOT EXISTS (SELECT FROM now WHERE now.labels = t.labels))
  INSERT INTO metric_total AS t (name, key, labels, value, last)
  SELECT $1, array_to_json(labels)::text, labels, n, n FROM said
      ON CONFLICT (name, key) DO UPDATE
     SET value = t.value + greatest(excluded.last - t.last, 0), last = excluded.last,
         updated_at = CASE WHEN excluded.last > t.last THEN now() ELSE t.updated_at END
   WHERE t.last <> excluded.last`;

/** Lets a total grow by what its tables hold more than last time; what they hold less is no fall. */
export async function carryTotal(client: pg.PoolClient, total: Total): Promise<void> {
  await client.query(carried(total), [total.name]);
}
