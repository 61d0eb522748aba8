import {
  type AttributedPackets,
  type ClusterHistory,
  type CountedDrop,
  countedDrops,
  type CountedWindow,
  countedWindows,
  type Countings,
  DROP_METRICS,
  type MovedRule,
  movedRules,
  type RulePair,
} from '@whydrop/explain';
import type { FlowVerdictObservation, Instant, MetricSample, Protocol, RulesetSnapshot } from '@whydrop/model';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { type CountedBefore, rollUpCounted } from '../rollup/counted.js';
import { MICROS } from '../write/batch.js';
import { CopyRows } from '../write/copy.js';
import { groupBy, type SnapshotEntry, snapshotEntries, snapshotOf, tablesOf } from './snapshots.js';

/** Two looks at a counter that lie further apart say too little of when something was dropped. In µs. */
export const LONGEST_WINDOW = 3_600_000_000;

type Span = readonly [Instant, Instant];

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

/** What moved between two stored snapshots stays as it is: it is worked out once per process and database. */
export type MovedCache = LRUCache<string, readonly MovedRule[]>;

export function createMovedCache(): MovedCache {
  return new LRUCache({ max: 50_000 });
}

async function movedBetween(
  client: pg.PoolClient,
  cache: MovedCache,
  before: SnapshotEntry,
  after: SnapshotEntry,
): Promise<readonly MovedRule[]> {
  const key = [after.emitterId, after.family, after.backend, before.batchId, before.at, after.batchId, after.at].join(
    ' ',
  );
  const known = cache.get(key);
  if (known) return known;
  const moved = movedRules(await snapshotOf(client, before), await snapshotOf(client, after));
  cache.set(key, moved);
  return moved;
}

/** The rules of a snapshot without its counters. */
async function rulesOf(client: pg.PoolClient, entry: SnapshotEntry): Promise<RulesetSnapshot> {
  const { at, family, backend, otherBackendPresent, hash } = entry;
  const tables = await tablesOf(client, hash);
  return { kind: 'ruleset', observedAt: at, family, backend, otherBackendPresent, tables };
}

async function loadRulesetPairs(client: pg.PoolClient, cache: MovedCache, clusterId: number, [first, last]: Span) {
  const entries = await snapshotEntries(client, clusterId, first - 2 * LONGEST_WINDOW, last + 2 * LONGEST_WINDOW);
  const series = groupBy(entries, ({ node, family, backend }) => `${node} ${family} ${backend}`);
  const rulesets: RulePair[] = [];
  const looked: { node: string; from: Instant; to: Instant }[] = [];
  for (const all of series.values()) {
    for (const [i, after] of all.entries()) {
      const before = all[i - 1];
      if (!before) continue;
      const pair = { node: after.node, from: before.at, to: after.at };
      looked.push(pair);
      if (pair.to < first || pair.from > last || pair.to - pair.from > LONGEST_WINDOW) continue;
      const moved = await movedBetween(client, cache, before, after);
      if (moved.length > 0) rulesets.push({ ...pair, moved, ruleset: await rulesOf(client, after) });
    }
  }
  return { rulesets, looked };
}

async function loadMetrics(client: pg.PoolClient, clusterId: number, [from, to]: Span): Promise<Countings['metrics']> {
  const { rows } = await client.query<{
    node: string;
    at: bigint;
    name: string;
    labels: MetricSample['labels'];
    value: number;
  }>(
    `SELECT e.node, ${MICROS('m.observed_at')} AS at, m.name, m.labels, m.value
       FROM metric_sample m JOIN emitter e ON e.id = m.emitter_id
      WHERE e.cluster_id = $1 AND m.name = ANY($2) AND m.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')}
      ORDER BY m.observed_at, m.batch_id, m.ordinal`,
    [clusterId, DROP_METRICS, from - LONGEST_WINDOW, to + LONGEST_WINDOW],
  );
  return rows.map(({ node, at, name, labels, value }) => ({
    node,
    sample: { kind: 'metric', observedAt: Number(at), name, type: 'counter', labels, value, raw: '', line: 0 },
  }));
}

async function loadAggregates(
  client: pg.PoolClient,
  clusterId: number,
  [from, to]: Span,
): Promise<Countings['aggregates']> {
  const { rows } = await client.query<{ node: string; body: FlowVerdictObservation }>(
    `SELECT e.node, v.body FROM flow_verdict v JOIN emitter e ON e.id = v.emitter_id
      WHERE e.cluster_id = $1 AND v.original_key IS NULL AND v.verdict IN ('dropped', 'rejected')
        AND v.observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
      ORDER BY v.observed_at, v.batch_id, v.ordinal`,
    [clusterId, from, to + LONGEST_WINDOW],
  );
  const count = (value: unknown) => (typeof value === 'string' ? BigInt(value) : undefined);
  return rows.map(({ node, body }) => ({
    node,
    verdict: {
      ...body,
      packets: count(body.packets),
      bytes: count(body.bytes),
      connections: count(body.connections),
    },
  }));
}

interface AttributedRow {
  readonly node: string;
  readonly from: bigint;
  readonly to: bigint;
  readonly chain_rule: AttributedPackets['chainRule'] | null;
  readonly protocol: Protocol;
  readonly destination_port: number | null;
  readonly packets: bigint;
}

const ATTRIBUTED = `
  SELECT w.node, w.from_at AS from, w.to_at AS to, x.body -> 'chainRule' AS chain_rule, d.protocol, d.destination_port,
         sum(d.packets)::int8 AS packets
    FROM unnest($2::text[], $3::int8[], $4::int8[]) AS w(node, from_at, to_at)
    JOIN "drop" d ON d.cluster_id = $1 AND d.first_seen_at >= ${AT('w.from_at')} AND d.first_seen_at < ${AT('w.to_at')}
    JOIN explanation x ON x.id = d.explanation_id
   WHERE coalesce(x.body #>> '{chainRule,node}', x.body #>> '{enforcementPoint,node}') = w.node
     AND x.body ->> 'verdict' IN ('dropped', 'rejected')
   GROUP BY w.node, w.from_at, w.to_at, x.body -> 'chainRule', d.protocol, d.destination_port`;

/** Packets of the drops that are told, in each node's windows. */
async function loadAttributed(
  client: pg.PoolClient,
  clusterId: number,
  windows: readonly CountedWindow[],
): Promise<readonly AttributedPackets[]> {
  const spans = new Map(windows.map(({ facts, from, to }) => [`${facts.node} ${from} ${to}`, [facts.node, from, to]]));
  const list = [...spans.values()];
  if (list.length === 0) return [];
  const columns = [0, 1, 2].map((column) => list.map((span) => span[column]));
  const { rows } = await client.query<AttributedRow>(ATTRIBUTED, [clusterId, ...columns]);
  return rows.map((row) => ({
    node: row.node,
    from: Number(row.from),
    to: Number(row.to),
    chainRule: row.chain_rule ?? undefined,
    protocol: row.protocol,
    destinationPort: row.destination_port ?? undefined,
    packets: row.packets,
  }));
}

const COLUMNS = [
  'to_time',
  'id',
  'from_time',
  'cluster_id',
  'group_id',
  'node',
  'channel',
  'cause',
  'packets',
  'attributed',
  'is_lower_bound',
  'facts',
] as const;

/** Two aggregates of one window that say the same are one row. */
function folded(drops: readonly CountedDrop[]): readonly CountedDrop[] {
  const rows = new Map<string, CountedDrop>();
  for (const drop of drops) {
    const known = rows.get(drop.id);
    rows.set(drop.id, known ? { ...known, packets: known.packets + drop.packets } : drop);
  }
  return [...rows.values()];
}

async function insertCounted(client: pg.PoolClient, clusterId: number, drops: readonly CountedDrop[]): Promise<void> {
  const rows = new CopyRows('counted_drop', COLUMNS, drops.length);
  for (const { id, groupId, from, to, packets, attributed, isLowerBound, facts } of drops) {
    rows.row().timestamp(to).text(id).timestamp(from).int4(clusterId).text(groupId).text(facts.node);
    rows.text(facts.channel).text(facts.cause).int8(packets).int8(attributed).bool(isLowerBound).json(facts);
  }
  await rows.send(client);
}

/**
 * Counts anew what rules, metrics and aggregates dropped over a span, from what is stored, and puts it in the place of
 * what was there. Call it after the drops of that span are written: what they tell is not counted again.
 */
export async function replaceCounted(
  client: pg.PoolClient,
  cache: MovedCache,
  history: ClusterHistory,
  cluster: string,
  clusterId: number,
  span: Span,
): Promise<void> {
  const [from, to] = span;
  const series = await loadRulesetPairs(client, cache, clusterId, span);
  const metrics = await loadMetrics(client, clusterId, span);
  const aggregates = await loadAggregates(client, clusterId, span);
  const windows = countedWindows({ ...series, metrics, aggregates }, history).filter(
    (window) => window.to >= from && window.from <= to && window.to - window.from <= LONGEST_WINDOW,
  );
  const before = await client.query<CountedBefore>(
    `DELETE FROM counted_drop WHERE cluster_id = $1 AND to_time >= ${AT('$2')} AND from_time <= ${AT('$3')}
        AND to_time <= ${AT('$4')} RETURNING group_id, ${MICROS('to_time')} AS to, packets - attributed AS counted`,
    [clusterId, from, to, to + LONGEST_WINDOW],
  );
  const attributed = await loadAttributed(client, clusterId, windows);
  const counted = folded(countedDrops(cluster, windows, attributed));
  await insertCounted(client, clusterId, counted);
  await rollUpCounted(client, clusterId, before.rows, counted);
}
