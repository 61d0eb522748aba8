import { createHostFacts, HOST_METRICS, type HostFacts } from '@whydrop/explain';
import type { Instant, MetricSample, NoticeCode } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;
const AROUND = `BETWEEN ${AT('$2')} - interval '10 minutes' AND ${AT('$3')} + interval '10 minutes'`;

interface NoticeRow {
  readonly node: string;
  readonly at: bigint;
  readonly notice: NoticeCode;
  readonly raw: string;
  readonly line: number;
}

interface SampleRow {
  readonly node: string;
  readonly at: bigint;
  readonly name: string;
  readonly type: MetricSample['type'];
  readonly labels: MetricSample['labels'];
  readonly value: number;
}

/** What the nodes of a cluster said of themselves around a span of time. */
export async function loadHost(
  client: pg.PoolClient,
  clusterId: number,
  from: Instant,
  to: Instant,
): Promise<HostFacts> {
  const notices = await client.query<NoticeRow>(
    `SELECT e.node, ${MICROS('n.observed_at')} AS at, n.notice, n.raw, n.line FROM notice n JOIN emitter e ON e.id = n.emitter_id
      WHERE e.cluster_id = $1 AND n.observed_at ${AROUND} ORDER BY n.observed_at, n.batch_id, n.line`,
    [clusterId, from, to],
  );
  const samples = await client.query<SampleRow>(
    `SELECT e.node, ${MICROS('s.observed_at')} AS at, s.name, s.type, s.labels, s.value
       FROM metric_sample s JOIN emitter e ON e.id = s.emitter_id
      WHERE e.cluster_id = $1 AND s.name = ANY($4) AND s.observed_at ${AROUND}
      ORDER BY s.observed_at, s.batch_id, s.ordinal`,
    [clusterId, from, to, HOST_METRICS],
  );
  return createHostFacts(
    notices.rows.map(({ node, at, ...rest }) => ({ node, item: { ...rest, kind: 'notice', observedAt: Number(at) } })),
    samples.rows.map(({ node, at, ...rest }) => ({
      node,
      item: { ...rest, kind: 'metric', observedAt: Number(at), raw: '', line: 0 },
    })),
  );
}

/** The times over which a counter of some nodes grew, of those that newly stored samples bear on. */
export async function grownSpan(
  client: pg.PoolClient,
  clusterId: number,
  [from, to]: readonly [Instant, Instant],
): Promise<readonly [Instant, Instant] | undefined> {
  const { rows } = await client.query<{ from: bigint | null; to: bigint | null }>(
    `SELECT ${MICROS('min(x.before_at)')} AS from, ${MICROS('max(x.observed_at)')} AS to FROM (
       SELECT s.observed_at, s.value, lag(s.observed_at) OVER w AS before_at, lag(s.value) OVER w AS before_value
         FROM metric_sample s JOIN emitter e ON e.id = s.emitter_id
        WHERE e.cluster_id = $1 AND s.name = ANY($4) AND s.observed_at ${AROUND}
       WINDOW w AS (PARTITION BY s.emitter_id, s.name, s.labels ORDER BY s.observed_at)) x
      WHERE x.value > x.before_value`,
    [clusterId, from, to, HOST_METRICS],
  );
  const row = rows[0];
  return row?.from == null || row.to === null ? undefined : [Number(row.from), Number(row.to)];
}
