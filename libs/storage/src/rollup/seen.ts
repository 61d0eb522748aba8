import type { Instant } from '@whydrop/model';
import { LEVEL_MICROS, minutesSeen } from '@whydrop/rollup';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import type { Touched } from '../write/touched.js';

type Span = readonly [Instant, Instant];

interface Row {
  readonly node: string;
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly touched: Touched | null;
}

// Objects of the cluster say nothing about whether its nodes report.
const BATCHES = `
  SELECT e.node, ${MICROS('b.observed_from')} AS from, ${MICROS('b.observed_to')} AS to, s.touched
    FROM raw_batch b JOIN emitter e ON e.id = b.emitter_id JOIN batch_stage s ON s.batch_id = b.id AND s.stage = 'store'
   WHERE b.id = ANY($1) AND b.format NOT LIKE 'kubernetes%'
   UNION ALL
  SELECT e.node, ${MICROS('c.from_time')}, ${MICROS('c.to_time')}, NULL
    FROM coverage c JOIN emitter e ON e.id = c.emitter_id WHERE c.batch_id = ANY($1)`;

function spanOf({ from, to, touched }: Row): Span | undefined {
  if (from !== null && to !== null) return [Number(from), Number(to)];
  const spans = [touched?.evidence, touched?.snapshots, touched?.counts].filter((span) => span != null);
  if (spans.length === 0) return undefined;
  return [Math.min(...spans.map(([first]) => first)), Math.max(...spans.map(([, last]) => last))];
}

const PUT = `
  INSERT INTO seen_day AS s (cluster_id, node, day, minutes)
  SELECT $1, t.node, t.day::date, t.minutes::bit(1440)
    FROM unnest($2::text[], $3::text[], $4::text[]) AS t(node, day, minutes)
      ON CONFLICT (cluster_id, node, day) DO UPDATE SET minutes = s.minutes | excluded.minutes
   WHERE (s.minutes | excluded.minutes) <> s.minutes`;

const dateOf = (day: Instant) => new Date(day / 1000).toISOString().slice(0, 10);

/** Marks the minutes in which the streams of these batches were alive: of each node, and of the cluster (node ''). */
export async function markSeen(client: pg.PoolClient, clusterId: number, batches: readonly bigint[]): Promise<void> {
  const { rows } = await client.query<Row>(BATCHES, [batches]);
  const nodes = new Map<string, Span[]>([['', []]]);
  for (const row of rows) {
    const span = spanOf(row);
    if (span) for (const node of new Set(['', row.node])) nodes.set(node, [...(nodes.get(node) ?? []), span]);
  }
  const marked = [...nodes].flatMap(([node, spans]) =>
    [...minutesSeen(spans)].map(([day, minutes]) => ({ node, day: dateOf(day), minutes })),
  );
  if (marked.length === 0) return;
  const columns = (['node', 'day', 'minutes'] as const).map((name) => marked.map((each) => each[name]));
  await client.query(PUT, [clusterId, ...columns]);
}

/** Days of a cluster in `[from, to)`, as `coverageOf` reads them. `node` '' asks for any of its nodes. */
export async function loadSeen(
  client: pg.Pool | pg.PoolClient,
  { clusterId, node = '', from, to }: { clusterId: number; node?: string; from: Instant; to: Instant },
): Promise<ReadonlyMap<Instant, string>> {
  const { rows } = await client.query<{ day: bigint; minutes: string }>(
    `SELECT ${MICROS('day')} AS day, minutes::text FROM seen_day
      WHERE cluster_id = $1 AND node = $2 AND day BETWEEN $3::date AND $4::date`,
    [clusterId, node, dateOf(from), dateOf(to + LEVEL_MICROS.day)],
  );
  return new Map(rows.map(({ day, minutes }) => [Number(day), minutes]));
}
