import { SNAPSHOT_TAKES, type SnapshotPair } from '@whydrop/explain';
import type { Family, Instant, Ipset, IpsetSnapshot, RulesetBackend, RulesetSnapshot, Table } from '@whydrop/model';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { joinRuleset } from '../write/ruleset-rows.js';

/** A snapshot that is stored, without its content. */
export interface SnapshotEntry {
  readonly node: string;
  readonly family: Family;
  readonly backend: RulesetBackend;
  readonly at: Instant;
  readonly emitterId: number;
  readonly batchId: bigint;
  readonly hash: string;
  readonly otherBackendPresent: boolean;
}

/** What is asked for: the snapshots of a node around a time. */
export interface SnapshotQuestion {
  readonly node: string;
  readonly family: Family;
  readonly from: Instant;
  readonly to: Instant;
}

/** Texts of rulesets by their hash: they change rarely and are large. */
const texts = new LRUCache<string, readonly Table[]>({ max: 200 });

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

const COLUMNS = `e.node, r.family, r.backend, ${MICROS('r.observed_at')} AS at, r.emitter_id, r.batch_id, r.ruleset_hash, r.other_backend_present`;

/** Each family and backend is a series of its own: what is near in one of them says nothing of another. */
const SERIES = `('inet', 'nft'), ('inet', 'legacy'), ('inet6', 'nft'), ('inet6', 'legacy'), ('inet', 'nftables'), ('inet6', 'nftables')`;

interface EntryRow {
  readonly node: string;
  readonly family: Family;
  readonly backend: RulesetBackend;
  readonly at: bigint;
  readonly emitter_id: number;
  readonly batch_id: bigint;
  readonly ruleset_hash: string;
  readonly other_backend_present: boolean;
}

function entryOf(row: EntryRow): SnapshotEntry {
  return {
    node: row.node,
    family: row.family,
    backend: row.backend,
    at: Number(row.at),
    emitterId: row.emitter_id,
    batchId: row.batch_id,
    hash: row.ruleset_hash,
    otherBackendPresent: row.other_backend_present,
  };
}

/** Snapshots of a cluster's nodes over a span, oldest first, without their content. */
export async function snapshotEntries(
  client: pg.PoolClient,
  clusterId: number,
  from: Instant,
  to: Instant,
): Promise<readonly SnapshotEntry[]> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${COLUMNS} FROM ruleset_snapshot r JOIN emitter e ON e.id = r.emitter_id
      WHERE e.cluster_id = $1 AND r.observed_at BETWEEN ${AT('$2')} AND ${AT('$3')} ORDER BY r.observed_at, r.batch_id`,
    [clusterId, from, to],
  );
  return rows.map(entryOf);
}

async function entries(
  client: pg.PoolClient,
  clusterId: number,
  from: Instant,
  to: Instant,
): Promise<readonly SnapshotEntry[]> {
  const { rows } = await client.query<EntryRow>(
    `SELECT ${COLUMNS}
       FROM emitter e
       CROSS JOIN (VALUES ${SERIES}) AS k (family, backend)
       CROSS JOIN LATERAL (SELECT
         coalesce((SELECT max(p.observed_at) FROM ruleset_snapshot p WHERE p.emitter_id = e.id AND p.family = k.family
                      AND p.backend = k.backend AND p.observed_at <= ${AT('$2')}), ${AT('$2')}) AS low,
         coalesce((SELECT min(n.observed_at) FROM ruleset_snapshot n WHERE n.emitter_id = e.id AND n.family = k.family
                      AND n.backend = k.backend AND n.observed_at >= ${AT('$3')}), ${AT('$3')}) AS high) AS span
       JOIN ruleset_snapshot r ON r.emitter_id = e.id AND r.family = k.family AND r.backend = k.backend
        AND r.observed_at BETWEEN span.low AND span.high
      WHERE e.cluster_id = $1
      ORDER BY r.observed_at, r.batch_id`,
    [clusterId, from, to],
  );
  return rows.map(entryOf);
}

export async function tablesOf(client: pg.PoolClient, hash: string): Promise<readonly Table[]> {
  const known = texts.get(hash);
  if (known) return known;
  const { rows } = await client.query<{ tables: readonly Table[] }>('SELECT tables FROM ruleset WHERE hash = $1', [
    hash,
  ]);
  const tables = rows[0]?.tables ?? [];
  texts.set(hash, tables);
  return tables;
}

export async function snapshotOf(client: pg.PoolClient, entry: SnapshotEntry): Promise<RulesetSnapshot> {
  const { rows } = await client.query<{ counters: readonly bigint[] }>(
    `SELECT counters FROM ruleset_snapshot
      WHERE observed_at = ${AT('$1')} AND emitter_id = $2 AND family = $3 AND backend = $4 AND batch_id = $5`,
    [entry.at, entry.emitterId, entry.family, entry.backend, entry.batchId],
  );
  const tables = joinRuleset(await tablesOf(client, entry.hash), (rows[0]?.counters ?? []).map(BigInt));
  const { family, backend, otherBackendPresent } = entry;
  return { kind: 'ruleset', observedAt: entry.at, family, backend, otherBackendPresent, tables };
}

/** Both families are taken around the same time, so the one of the other family may be the nearer: it is passed over. */
function around(all: readonly SnapshotEntry[], { from, to }: SnapshotQuestion) {
  return { before: all.findLast((entry) => entry.at <= from), after: all.find((entry) => entry.at >= to) };
}

/** Loads the snapshots that a set of questions needs, each once, and answers those questions. */
export async function loadRulesets(
  client: pg.PoolClient,
  clusterId: number,
  questions: readonly SnapshotQuestion[],
): Promise<(question: SnapshotQuestion) => readonly SnapshotPair[]> {
  if (questions.length === 0) return () => [];
  const from = questions.reduce((least, question) => Math.min(least, question.from), Infinity);
  const to = questions.reduce((most, question) => Math.max(most, question.to), -Infinity);
  const known = await entries(client, clusterId, from - SNAPSHOT_TAKES, to);
  const series = groupBy(known, (entry) => `${entry.node} ${entry.family}`);
  const loaded = new Map<SnapshotEntry, RulesetSnapshot>();
  const pairs = (question: SnapshotQuestion) => {
    const all = series.get(`${question.node} ${question.family}`) ?? [];
    const backends = [...new Set(all.map((entry) => entry.backend))];
    return backends.map((backend) =>
      around(
        all.filter((entry) => entry.backend === backend),
        question,
      ),
    );
  };
  for (const question of questions) {
    const wider = pairs({ ...question, from: question.from - SNAPSHOT_TAKES });
    for (const { before, after } of [...pairs(question), ...wider]) {
      for (const entry of [before, after]) {
        if (entry && !loaded.has(entry)) loaded.set(entry, await snapshotOf(client, entry));
      }
    }
  }
  const of = (entry: SnapshotEntry | undefined) => entry && loaded.get(entry);
  return (question) => pairs(question).map(({ before, after }) => ({ before: of(before), after: of(after) }));
}

export function groupBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** The ipsets of each node, latest before a time (or the first one after it). */
export async function loadIpsets(
  client: pg.PoolClient,
  clusterId: number,
  from: Instant,
  to: Instant,
): Promise<(node: string, at: Instant) => IpsetSnapshot | undefined> {
  const { rows } = await client.query<{ node: string; at: bigint; sets: readonly Ipset[] }>(
    `SELECT e.node, ${MICROS('s.observed_at')} AS at, c.sets FROM ipset_snapshot s
       JOIN emitter e ON e.id = s.emitter_id JOIN ipset_content c ON c.hash = s.content_hash
      WHERE e.cluster_id = $1 AND s.observed_at BETWEEN ${AT('$2')} - interval '1 hour' AND ${AT('$3')} + interval '1 hour'
      ORDER BY s.observed_at, s.batch_id`,
    [clusterId, from, to],
  );
  const snapshots = rows.map((row) => ({
    node: row.node,
    snapshot: { kind: 'ipsets', observedAt: Number(row.at), sets: row.sets } as const,
  }));
  return (node, at) => {
    const own = snapshots.filter((entry) => entry.node === node).map((entry) => entry.snapshot);
    return own.findLast((entry) => entry.observedAt <= at) ?? own.find((entry) => entry.observedAt > at);
  };
}
