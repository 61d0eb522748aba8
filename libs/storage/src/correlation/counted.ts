import {
  type ClusterHistory,
  type CountedDrop,
  countedDrops,
  type CountedWindow,
  countedWindows,
  type Countings,
  DROP_METRICS,
  type LookedSpan,
  type MovedRule,
  movedRules,
  type RulePair,
} from '@whydrop/explain';
import type { Counter, FlowVerdictObservation, Instant, MetricSample, RulesetSnapshot, Table } from '@whydrop/model';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { type CountedBefore, rollUpCounted } from '../rollup/counted.js';
import { MICROS } from '../write/batch.js';
import { CopyRows } from '../write/copy.js';
import { loadTold } from './conservation.js';
import { groupBy, type SnapshotEntry, snapshotEntries, snapshotOf, tablesOf } from './snapshots.js';
import { REACH } from './work.js';

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

/** Two neighbouring snapshots of one ruleset. */
interface NearSpan extends LookedSpan {
  readonly after: SnapshotEntry;
}

/**
 * Of counters that are said to have stood still, those that did: a snapshot without counters, or one that has no such
 * rule, says nothing.
 */
async function stoodStill(client: pg.PoolClient, windows: readonly CountedWindow[], near: readonly NearSpan[]) {
  const found: CountedWindow[] = [];
  for (const [key, all] of groupBy(windows, ({ facts, family, to }) => `${facts.node} ${family} ${to}`)) {
    for (const { after } of near.filter(({ node, family, to }) => `${node} ${family} ${to}` === key)) {
      const { tables } = await snapshotOf(client, after);
      found.push(
        ...all.filter(
          ({ facts }) => counterOf(tables, facts.chainRule) !== undefined && !found.some((one) => one.facts === facts),
        ),
      );
    }
  }
  return found;
}

function counterOf(tables: readonly Table[], rule: CountedWindow['facts']['chainRule']): Counter | undefined {
  const chain = tables.find(({ name }) => name === rule?.table)?.chains.find(({ name }) => name === rule?.chain);
  if (rule?.position === 0) return chain?.counter;
  return chain?.rules.find(({ text }) => text.trim() === rule?.text.trim())?.counter;
}

function isLost({ lost = [] }: CountedDrop): boolean {
  return lost.length > 0;
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
  const looked: LookedSpan[] = [];
  const near: NearSpan[] = [];
  for (const all of series.values()) {
    // The neighbours of what is looked at as well: drops reach over, and snapshots take their time.
    const isNear = ({ at: from }: SnapshotEntry, { at: to }: SnapshotEntry) =>
      to >= first - REACH && from <= last + REACH;
    for (const [i, after] of all.entries()) {
      const [begin, before, next] = [all[i - 2], all[i - 1], all[i + 1]];
      if (!before) continue;
      const { node, family, backend } = after;
      const pair = { node, from: before.at, to: after.at };
      looked.push(pair);
      const wanted = isNear(before, after) || (begin && isNear(begin, before)) || (next && isNear(after, next));
      if (!wanted || pair.to - pair.from > LONGEST_WINDOW) continue;
      near.push({ ...pair, family, backend, after });
      const moved = await movedBetween(client, cache, before, after);
      if (moved.length > 0) rulesets.push({ ...pair, moved, ruleset: await rulesOf(client, after) });
    }
  }
  return { rulesets, looked, near };
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
  'counted_only',
  'excess',
  'lost',
] as const;

async function insertCounted(client: pg.PoolClient, clusterId: number, drops: readonly CountedDrop[]): Promise<void> {
  const rows = new CopyRows('counted_drop', COLUMNS, drops.length);
  for (const { id, groupId, from, to, packets, attributed, isLowerBound, facts, countedOnly, excess, lost } of drops) {
    rows.row().timestamp(to).text(id).timestamp(from).int4(clusterId).text(groupId).text(facts.node);
    rows.text(facts.channel).text(facts.cause).int8(packets).int8(attributed).bool(isLowerBound).json(facts);
    rows
      .int8(countedOnly)
      .int8(excess)
      .textArray(lost ?? []);
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
  const isInside = (window: CountedWindow) => window.to >= from && window.from <= to;
  const series = await loadRulesetPairs(client, cache, clusterId, span);
  const metrics = await loadMetrics(client, clusterId, span);
  const aggregates = await loadAggregates(client, clusterId, span);
  const windows = countedWindows({ ...series, metrics, aggregates }, history).filter(
    (window) => window.to - window.from <= LONGEST_WINDOW && (window.facts.chainRule !== undefined || isInside(window)),
  );
  const before = await client.query<CountedBefore>(
    `DELETE FROM counted_drop WHERE cluster_id = $1 AND to_time >= ${AT('$2')} AND from_time <= ${AT('$3')}
        AND to_time <= ${AT('$4')} RETURNING group_id, ${MICROS('to_time')} AS to, packets - attributed AS counted, facts`,
    [clusterId, from, to, to + LONGEST_WINDOW],
  );
  const { attributed, still } = await loadTold(client, clusterId, windows, series.near);
  const all = countedDrops(cluster, [...windows, ...(await stoodStill(client, still, series.near))], attributed);
  // A counter that stood still is told of only where drops say that it must have moved.
  const counted = all.filter((drop) => isInside(drop) && (drop.packets > 0n || drop.excess > 0n || isLost(drop)));
  await insertCounted(client, clusterId, counted);
  await rollUpCounted(
    client,
    clusterId,
    before.rows,
    counted.filter(({ packets }) => packets > 0n),
  );
}
