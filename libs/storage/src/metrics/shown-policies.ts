import type pg from 'pg';
import { DROPS } from './totals.js';

/** Policies with series of their own at a time. */
export const MOST_POLICIES = 100;

/** After so long without a drop a policy has no series any more, and its place is free. */
const QUIET = `interval '30 days'`;

// A policy keeps what was chosen for it: a series that changed its name would look like new drops.
const CHOOSE = `
  WITH known AS (
    SELECT labels[1] AS cluster, labels[5] AS policy, bool_or(shown <> 'other') AS own, max(updated_at) AS at, sum(value) AS n,
           bool_or(shown IS NOT NULL) AS chosen
      FROM metric_total WHERE name = $1 AND labels[5] <> '' GROUP BY 1, 2),
  taken AS (SELECT count(*) AS n FROM known WHERE own AND at > now() - ${QUIET}),
  ranked AS (SELECT cluster, policy, row_number() OVER (ORDER BY n DESC, cluster, policy) AS place FROM known WHERE NOT chosen),
  choice AS (
    SELECT cluster, policy, CASE WHEN place <= $2 - (SELECT n FROM taken) THEN policy ELSE 'other' END AS shown FROM ranked
    UNION ALL SELECT cluster, policy, CASE WHEN own THEN policy ELSE 'other' END FROM known WHERE chosen)
  UPDATE metric_total t SET shown = coalesce(c.shown, '')
    FROM metric_total u LEFT JOIN choice c ON c.cluster = u.labels[1] AND c.policy = u.labels[5]
   WHERE t.name = $1 AND t.shown IS NULL AND u.name = t.name AND u.labels = t.labels`;

/** Chooses for policies that are new: the places that are free go to those that blocked most, the others share one series. */
export async function chooseShown(client: pg.PoolClient, most: number): Promise<void> {
  await client.query(CHOOSE, [DROPS.name, most]);
}

/** SELECT of `labels` and `value`: the series of drops as they are shown. */
export const SHOWN_DROPS = `
  SELECT labels[1:4] || shown AS labels, sum(value)::int8 AS value FROM metric_total
   WHERE name = $1 AND (shown IN ('', 'other') OR updated_at > now() - ${QUIET}) GROUP BY 1 ORDER BY 1`;
