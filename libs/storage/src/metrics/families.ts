import { LAST_SEEN, RECORDS, REJECTS } from './tally.js';
import { SHOWN_DROPS } from './shown-policies.js';
import { DROPS, type Total, TOTALS } from './totals.js';

/** A metric and the SQL that tells its series. */
export interface StoredFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  /** SELECT of `labels` (text[]) and `value`; `$1` is the name. */
  readonly sql: string;
}

const TOTAL = 'SELECT labels, value FROM metric_total WHERE name = $1 ORDER BY labels';

const counter = (name: string, help: string, labels: readonly string[], sql = TOTAL): StoredFamily => ({
  ...{ name, help, type: 'counter', labels, sql },
});
const gauge = (name: string, help: string, labels: readonly string[], sql: string): StoredFamily => ({
  ...{ name, help, type: 'gauge', labels, sql },
});

const UNEXPLAINED = `
  SELECT ARRAY[c.name] AS labels, coalesce(sum(t.value), 0)::int8 AS value
    FROM cluster c LEFT JOIN metric_total t ON t.name = '${DROPS.name}' AND t.labels[1] = c.name AND t.labels[4] = 'UNDECIDED'
   WHERE $1 <> '' GROUP BY 1 ORDER BY 1`;

const OPEN = `
  SELECT ARRAY[c.name] AS labels, count(b.id) AS value
    FROM cluster c LEFT JOIN (emitter e JOIN raw_batch b ON b.emitter_id = e.id AND b.finished_at IS NULL) ON e.cluster_id = c.id
   WHERE $1 <> '' GROUP BY 1 ORDER BY 1`;

const LAG = `
  SELECT ARRAY[c.name] AS labels, coalesce(extract(epoch FROM now() - min(b.received_at)), 0)::float8 AS value
    FROM cluster c LEFT JOIN (emitter e JOIN raw_batch b ON b.emitter_id = e.id AND b.finished_at IS NULL) ON e.cluster_id = c.id
   WHERE $1 <> '' GROUP BY 1 ORDER BY 1`;

const SEEN = 'SELECT labels, value / 1000000.0::float8 AS value FROM metric_total WHERE name = $1 ORDER BY labels';

const ALERTS = `
  SELECT ARRAY[s] AS labels, count(a.id) AS value FROM unnest(ARRAY['info', 'warning', 'critical']) AS s
    LEFT JOIN alert a ON a.severity = s AND a.state = 'firing' WHERE $1 <> '' GROUP BY 1 ORDER BY 1`;

const PENDING = `
  SELECT '{}'::text[] AS labels, count(*) AS value FROM alert_delivery WHERE $1 <> '' AND state = 'pending'`;

const ofTotal = ({ name, help, labels }: Total) =>
  counter(name, help, labels, name === DROPS.name ? SHOWN_DROPS : undefined);

export const FAMILIES: readonly StoredFamily[] = [
  ...TOTALS.map(ofTotal),
  counter('whydrop_drops_unexplained_total', 'Blocked connections whose cause is not decided.', ['cluster'], UNEXPLAINED),
  counter(RECORDS, 'Records of batches that were worked through, by format.', ['stream', 'outcome']),
  counter(REJECTS, 'Records that were not understood, by format and reason.', ['stream', 'reason']),
  gauge('whydrop_open_batches', 'Batches that were acknowledged and are not worked through.', ['cluster'], OPEN),
  gauge('whydrop_ingest_lag_seconds', 'Age of the oldest batch that is not worked through.', ['cluster'], LAG),
  gauge(LAST_SEEN, 'When the last stored batch of a node came; the node "" is the cluster itself.', ['cluster', 'node'], SEEN),
  gauge('whydrop_alerts_firing', 'Alerts that fire now.', ['severity'], ALERTS),
  gauge('whydrop_webhook_deliveries_pending', 'Messages that receivers are still to be told.', [], PENDING),
]; // prettier-ignore
