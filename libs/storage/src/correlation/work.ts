import { SETTLE_MICROS } from '@whydrop/explain';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { grownSpan } from './host.js';
import { FROZEN, keptFrom } from '../retention/floor.js';
import { MICROS } from '../write/batch.js';
import { clipped, type Span, unionOf } from './spans.js';
import type { Touched } from '../write/touched.js';
import { keepWatermarks, leftOpen, loadWatermarks, type Watermark } from './watermarks.js';

/** An attempt's records lie at most this far apart: retries for two minutes, then conntrack's own delay. In µs. */
export const REACH = 300_000_000;
/** How far back a record can still answer a connection that was reported as unanswered. */
const LOOK_BACK = 3_000_000;
/** Two times at which drops are explained anew bear on each other when they lie within this: witnesses are read 2 × REACH around. In µs. */
const NEAR_DROPS = 6 * REACH;
/** The same for what was counted: windows last an hour at most, and are read with their neighbours. */
const NEAR_COUNTS = 6 * 3_600_000_000;

/** What one correlation run has to do for a cluster. */
export interface CorrelationWork {
  readonly cluster: string;
  readonly batches: readonly bigint[];
  /** Times to look at again, far from each other; none: nothing that was stored bears on any drop. */
  readonly dirty: readonly Span[];
  /** Times for which what was counted has to be set against the drops again. */
  readonly counted: readonly Span[];
  readonly watermarks: readonly Watermark[];
}

interface BatchRow {
  readonly id: bigint;
  readonly touched: Touched | null;
}

/** Time of the first and last record that can be a witness: nothing outside needs looking at. */
async function evidenceSpan(client: pg.PoolClient): Promise<Span | undefined> {
  const { rows } = await client.query<{ from: bigint | null; to: bigint | null }>(
    `SELECT ${MICROS('least((SELECT min(observed_at) FROM flow), (SELECT min(observed_at) FROM packet_log), (SELECT min(observed_at) FROM flow_verdict))')} AS from,
            ${MICROS('greatest((SELECT max(observed_at) FROM flow), (SELECT max(observed_at) FROM packet_log), (SELECT max(observed_at) FROM flow_verdict))')} AS to`,
  );
  const row = rows[0];
  return row?.from == null || row.to === null ? undefined : [Number(row.from), Number(row.to)];
}

/** A snapshot longer ago or farther ahead tells nothing more about drops than the nearest one would. */
const NEAR = `interval '1 hour'`;

/**
 * Widens a span to the node snapshots around it: drops between two snapshots share their counters. A snapshot that has
 * just come is not its own neighbour, and neither is one of the other family.
 */
async function toSnapshots(client: pg.PoolClient, clusterId: number, [from, to]: Span): Promise<Span> {
  const at = (micros: string) => `('epoch'::timestamptz + ${micros} * interval '1 microsecond')`;
  const ofCluster = 'r.emitter_id IN (SELECT id FROM emitter WHERE cluster_id = $1)';
  const { rows } = await client.query<{ from: bigint | null; to: bigint | null }>(
    `SELECT (SELECT min(m) FROM (SELECT ${MICROS('max(r.observed_at)')} AS m FROM ruleset_snapshot r
              WHERE ${ofCluster} AND r.observed_at < ${at('$2::int8')} AND r.observed_at >= ${at('$2::int8')} - ${NEAR}
              GROUP BY r.emitter_id, r.family, r.backend) s) AS from,
            (SELECT max(m) FROM (SELECT ${MICROS('min(r.observed_at)')} AS m FROM ruleset_snapshot r
              WHERE ${ofCluster} AND r.observed_at > ${at('$3::int8')} AND r.observed_at <= ${at('$3::int8')} + ${NEAR}
              GROUP BY r.emitter_id, r.family, r.backend) s) AS to`,
    [clusterId, from, to],
  );
  const row = rows[0];
  return [Math.min(Number(row?.from ?? from), from), Math.max(Number(row?.to ?? to), to)];
}

function dirtySpans(rows: readonly BatchRow[], evidence: Span | undefined, again: readonly Span[]): readonly Span[] {
  if (!evidence) return [];
  const spans = rows.flatMap(({ touched }) => {
    if (!touched) return [];
    const records = touched.evidence && ([touched.evidence[0] - LOOK_BACK, touched.evidence[1]] as const);
    const context = touched.context && ([touched.context[0], touched.context[1] ?? evidence[1]] as const);
    return [records, touched.snapshots, context];
  });
  const reach: Span = [evidence[0] - REACH, evidence[1] + REACH];
  return unionOf([...spans, ...again], NEAR_DROPS)
    .map((span) => clipped(span, reach))
    .filter(isThere);
}

/** Time of the first and last thing that counts drops. */
async function countingSpan(client: pg.PoolClient): Promise<Span | undefined> {
  const tables = ['ruleset_snapshot', 'metric_sample', 'flow_verdict'];
  const of = (word: string) => tables.map((table) => `(SELECT ${word}(observed_at) FROM ${table})`).join(', ');
  const { rows } = await client.query<{ from: bigint | null; to: bigint | null }>(
    `SELECT ${MICROS(`least(${of('min')})`)} AS from, ${MICROS(`greatest(${of('max')})`)} AS to`,
  );
  const row = rows[0];
  return row?.from == null || row.to === null ? undefined : [Number(row.from), Number(row.to)];
}

/** Drops change as far as evidence reaches, and with them what is left of the counters. */
function countedSpans(rows: readonly BatchRow[], counting: Span | undefined): readonly Span[] {
  if (!counting) return [];
  const spans = rows.flatMap(({ touched }) => {
    if (!touched) return [];
    const records = touched.evidence && ([touched.evidence[0] - REACH, touched.evidence[1] + REACH] as const);
    const context = touched.context && ([touched.context[0], touched.context[1] ?? counting[1]] as const);
    return [records, touched.snapshots, touched.counts, context];
  });
  return unionOf(spans, NEAR_COUNTS)
    .map((span) => clipped(span, counting))
    .filter(isThere);
}

/** The parts of spans whose witnesses are all there: what was told before stays as it is. */
function above(floor: Instant | undefined, spans: readonly Span[]): readonly Span[] {
  if (floor === undefined) return spans;
  return spans.map((span) => clipped(span, [floor + FROZEN, Infinity])).filter(isThere);
}

const isThere = (span: Span | undefined): span is Span => span !== undefined;

async function eachOf<T>(spans: readonly Span[], work: (span: Span) => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (const span of spans) found.push(await work(span));
  return found;
}

/**
 * Takes everything of a cluster that is stored and not correlated yet. Call it inside the transaction that writes the
 * drops: one run at a time per cluster, and what is stored after this moment is the next run's.
 */
export async function takeCorrelationWork(client: pg.PoolClient, clusterId: number): Promise<CorrelationWork> {
  await client.query('SELECT pg_advisory_xact_lock(72707372, $1)', [clusterId]);
  const cluster = await client.query<{ name: string }>('SELECT name FROM cluster WHERE id = $1', [clusterId]);
  const { rows } = await client.query<BatchRow>(
    `SELECT b.id, t.touched FROM batch_stage t JOIN raw_batch b ON b.id = t.batch_id JOIN emitter e ON e.id = b.emitter_id
      WHERE t.stage = 'store' AND NOT t.followed AND b.finished_at IS NULL AND e.cluster_id = $1 ORDER BY b.id`,
    [clusterId],
  );
  const batches = rows.map(({ id }) => id);
  const none = rows.length === 0;
  const hosts = unionOf(
    rows.map(({ touched }) => touched?.host),
    NEAR_COUNTS,
  );
  const grown = (await eachOf(hosts, (span) => grownSpan(client, clusterId, span))).filter(isThere);
  const watermarks = none ? [] : await loadWatermarks(client, clusterId, batches);
  const again = [...grown, ...(await leftOpen(client, watermarks, SETTLE_MICROS))];
  const dirty = none ? [] : dirtySpans(rows, await evidenceSpan(client), again);
  const between = unionOf(await eachOf(dirty, (span) => toSnapshots(client, clusterId, span)), NEAR_DROPS);
  const floor = await keptFrom(client, clusterId);
  return {
    cluster: cluster.rows[0]?.name ?? '',
    batches,
    dirty: above(floor, between),
    counted: above(floor, none ? [] : countedSpans(rows, await countingSpan(client))),
    watermarks,
  };
}

/** Writes the ledger rows of a run, in its transaction. */
export async function finishCorrelation(
  client: pg.PoolClient,
  { batches, watermarks }: Pick<CorrelationWork, 'batches' | 'watermarks'>,
  drops: number,
): Promise<void> {
  await client.query(
    `INSERT INTO batch_stage (batch_id, stage, rows) SELECT id, 'correlate', $2 FROM unnest($1::int8[]) AS id ON CONFLICT DO NOTHING`,
    [batches, drops],
  );
  await client.query("UPDATE batch_stage SET followed = true WHERE batch_id = ANY($1) AND stage = 'store'", [batches]);
  await client.query('UPDATE raw_batch SET finished_at = now() WHERE id = ANY($1)', [batches]);
  await keepWatermarks(client, watermarks);
}
