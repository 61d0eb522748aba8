import type { Instant } from '@whydrop/model';
import type pg from 'pg';

/** Microseconds since 1970, a parameter, as a time. */
export const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;
/** Whether a row is of the cluster `$1`. */
export const OF_CLUSTER = 'emitter_id IN (SELECT id FROM emitter WHERE cluster_id = $1)';

// Connections that something was logged about, that conntrack saw unanswered, or that were reported before and either go on
// in the span or are named again in it, under any of the tuples that NAT gave them: an answer that came late takes a drop back.
// What was reported before and is not spoken of again stays: a storm is not explained anew with each of its batches.
const CANDIDATES = `
  WITH flows AS MATERIALIZED (
    SELECT original_key, policy_key, effective_key, unreplied,
           NOT unreplied AND state = 'CLOSE' AND original_bytes > 52 * original_packets + 8
             AND reply_bytes <= 80 * reply_packets AS silent FROM flow
     WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}),
  named AS (
    SELECT original_key AS key FROM flows UNION SELECT policy_key FROM flows UNION SELECT effective_key FROM flows
    UNION SELECT original_key FROM flow_verdict WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
    UNION SELECT f.original_key FROM flows s JOIN flow f ON f.effective_key = s.original_key
     WHERE f.observed_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')}
    UNION SELECT f.original_key FROM flows s JOIN flow f ON f.policy_key = s.original_key
     WHERE f.observed_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')})
  SELECT original_key AS key FROM packet_log WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
  UNION
  SELECT original_key FROM flows GROUP BY original_key HAVING bool_and(unreplied)
  UNION
  SELECT original_key FROM flows WHERE silent
  UNION
  SELECT original_key FROM flow_verdict WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
     AND original_key IS NOT NULL AND verdict IN ('dropped', 'rejected')
  UNION
  SELECT connection_key FROM "drop"
   WHERE cluster_id = $1 AND first_seen_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')}
     AND last_seen_at >= ${AT('$2')}
  UNION
  SELECT d.connection_key FROM named n JOIN "drop" d ON d.cluster_id = $1 AND d.connection_key = n.key
     AND d.first_seen_at BETWEEN ${AT('$2')} - interval '300 seconds' AND ${AT('$3')}`;

// Packets that open nothing are judged by the connection they belong to, in their own direction or as its answer: a record
// of it that comes late bears on packets up to two minutes after it.
const OPEN_NOTHING = `
  WITH flows AS MATERIALIZED (
    SELECT source, source_port, reply_source, reply_source_port, original_key, policy_key FROM flow
     WHERE ${OF_CLUSTER} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}),
  packets AS MATERIALIZED (
    SELECT original_key, source, source_port, destination, destination_port FROM packet_log
     WHERE ${OF_CLUSTER} AND (tcp_flags <> 'SYN' OR protocol = 17)
       AND observed_at BETWEEN ${AT('$2')} - interval '10 seconds' AND ${AT('$3')} + interval '120 seconds')
  SELECT p.original_key AS key FROM packets p JOIN flows f ON f.policy_key = p.original_key OR f.original_key = p.original_key
  UNION
  SELECT p.original_key FROM packets p JOIN flows f ON f.reply_source = p.source AND f.source = p.destination
     AND f.reply_source_port = p.source_port AND f.source_port = p.destination_port`;

/** Hashes of the connections that a span of time bears on. */
export async function candidateKeys(
  client: pg.PoolClient,
  clusterId: number,
  [from, to]: readonly [Instant, Instant],
): Promise<readonly bigint[]> {
  const { rows } = await client.query<{ key: bigint }>(CANDIDATES, [clusterId, from, to]);
  const others = await client.query<{ key: bigint }>(OPEN_NOTHING, [clusterId, from, to]);
  return [...new Set([...rows, ...others.rows].map((row) => row.key))];
}
