import { createHash } from 'node:crypto';
import { type CorrelatedDrop, dropGroupKey } from '@whydrop/explain';
import { type Drop, type EvidenceItem, formatInstant, type Instant } from '@whydrop/model';
import { Deltas, minus, type Sums } from '@whydrop/rollup';
import type pg from 'pg';
import { rollUpDrops } from '../rollup/drops.js';
import { MICROS } from '../write/batch.js';
import { CopyRows } from '../write/copy.js';
import { storableJson } from '../write/storable-json.js';
import { type GoneDrop, renamedDrops, writeFormerIds } from './former-ids.js';
import { withinColumns } from './within-columns.js';
import { REACH } from './work.js';

const COLUMNS = [
  'first_seen_at',
  'id',
  'last_seen_at',
  'cluster_id',
  'group_id',
  'explanation_id',
  'connection_key',
  'source',
  'source_port',
  'destination',
  'destination_port',
  'protocol',
  'attempts',
  'packets',
  'enforced_at',
  'detail',
] as const;

interface Totals {
  drops: number;
  attempts: number;
  packets: number;
}

interface Prepared {
  readonly drop: Drop;
  readonly connectionKey: number;
  readonly enforcedAt: Instant;
  readonly groupId: string;
  readonly explanationId: string;
  readonly body: string;
}

/** JSON with keys in a fixed order, so that equal explanations have equal hashes. */
function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function sharedOf(drop: Drop): Omit<Prepared, 'drop' | 'connectionKey' | 'enforcedAt'> {
  const { evidence: _evidence, sentence: _sentence, ...shared } = drop.explanation;
  const body = storableJson(stableJson(shared));
  const explanationId = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { groupId: dropGroupKey(drop).id, explanationId, body };
}

/** Rows of drops; what like ones share is put into words and hashed once. */
function prepareAll(drops: readonly CorrelatedDrop[]): readonly Prepared[] {
  const known = new Map<object, ReturnType<typeof sharedOf>>();
  return drops.map(({ drop, connectionKey, enforcedAt, like = drop }) => {
    const shared = known.get(like) ?? sharedOf(drop);
    known.set(like, shared);
    return { drop: withinColumns(drop), connectionKey, enforcedAt, ...shared };
  });
}

function detailOf(drop: Drop): object {
  const { source, destination, original, translatedSource, explanation } = drop;
  const { evidence, sentence } = explanation;
  return { source, destination, original, translatedSource, evidence, sentence };
}

async function insertExplanations(client: pg.PoolClient, prepared: readonly Prepared[]): Promise<void> {
  const bodies = new Map(prepared.map(({ explanationId, body }) => [explanationId, body]));
  await client.query(
    'INSERT INTO explanation (id, body) SELECT * FROM unnest($1::text[], $2::jsonb[]) ON CONFLICT DO NOTHING',
    [[...bodies.keys()], [...bodies.values()]],
  );
}

async function insertDrops(client: pg.PoolClient, clusterId: number, prepared: readonly Prepared[]): Promise<void> {
  const rows = new CopyRows('drop', COLUMNS, prepared.length);
  for (const { drop, connectionKey, enforcedAt, groupId, explanationId } of prepared) {
    rows.row().timestamp(drop.firstSeenAt).text(drop.id).timestamp(drop.lastSeenAt).int4(clusterId);
    rows.text(groupId).text(explanationId).int8(connectionKey).inet(drop.source.ip).int4(drop.sourcePort);
    rows
      .inet(drop.destination.ip)
      .int4(drop.destinationPort)
      .text(drop.protocol)
      .int4(drop.attempts)
      .int4(drop.packets);
    rows.timestamp(enforcedAt === drop.firstSeenAt ? undefined : enforcedAt).json(detailOf(drop));
  }
  await rows.send(client);
}

const sumsOf = (drop: { readonly attempts: number; readonly packets: number }): Sums => ({
  drops: 1,
  attempts: drop.attempts,
  packets: drop.packets,
  counted: 0,
});

function add(totals: Map<string, Totals>, groupId: string, sign: 1 | -1, attempts: number, packets: number): void {
  const sum = totals.get(groupId) ?? { drops: 0, attempts: 0, packets: 0 };
  sum.drops += sign;
  sum.attempts += sign * attempts;
  sum.packets += sign * packets;
  totals.set(groupId, sum);
}

interface RemovedRow {
  readonly id: string;
  readonly group_id: string;
  readonly attempts: number;
  readonly packets: number;
  readonly at: bigint;
  /** Of drops that are not told under their id any more. */
  readonly evidence: readonly EvidenceItem[] | null;
}

/** Drops that were there, by their ids, and those of them that are not told again. */
interface RemovedDrops {
  readonly known: ReadonlySet<string>;
  readonly gone: readonly GoneDrop[];
}

async function removeDrops(
  client: pg.PoolClient,
  clusterId: number,
  keys: readonly bigint[],
  [from, to]: readonly [Instant, Instant],
  told: readonly string[],
): Promise<readonly RemovedRow[]> {
  const { rows } = await client.query<RemovedRow>(
    `DELETE FROM "drop" WHERE cluster_id = $1 AND connection_key = ANY($2) AND first_seen_at BETWEEN $3 AND $4
     RETURNING id, group_id, attempts, packets, ${MICROS('first_seen_at')} AS at,
               CASE WHEN id = ANY($5) THEN NULL ELSE detail -> 'evidence' END AS evidence`,
    [clusterId, keys, formatInstant(from), formatInstant(to), told],
  );
  return rows;
}

function removedDrops(rows: readonly RemovedRow[], totals: Map<string, Totals>, deltas: Deltas): RemovedDrops {
  for (const row of rows) {
    add(totals, row.group_id, -1, row.attempts, row.packets);
    deltas.add(Number(row.at), row.group_id, minus(sumsOf(row)));
  }
  const gone = rows.flatMap(({ id, at, evidence }) => (evidence ? [{ id, firstSeenAt: Number(at), evidence }] : []));
  return { known: new Set(rows.map(({ id }) => id)), gone };
}

const INSERT_GROUPS = `
  INSERT INTO drop_group (id, cluster_id, verdict, cause, direction, basis, protocol, destination_port, source_kind,
         source_namespace, source_name, destination_kind, destination_namespace, destination_name, node, policies,
         first_seen_at, last_seen_at, drops, attempts, packets, explanation_id)
  SELECT g.id, $1, g.verdict, g.cause, g.direction, g.basis, g.protocol, g.port, g.source_kind,
         g.source_namespace, g.source_name, g.destination_kind, g.destination_namespace, g.destination_name, g.node, g.policies,
         g.seen_at, g.seen_at, 0, 0, 0, g.explanation_id
    FROM jsonb_to_recordset($2) AS g(id text, verdict text, cause text, direction text, basis text, protocol text, port int4,
         source_kind text, source_namespace text, source_name text, destination_kind text, destination_namespace text,
         destination_name text, node text, policies text[], seen_at timestamptz, explanation_id text)
  ON CONFLICT (id) DO NOTHING`;

function groupRow({ drop, groupId, explanationId }: Prepared): object {
  const { source, destination, policies } = dropGroupKey(drop);
  const { verdict, cause, direction, basis, enforcementPoint } = drop.explanation;
  return {
    id: groupId,
    verdict,
    cause,
    direction,
    basis,
    protocol: drop.protocol,
    port: drop.destinationPort,
    source_kind: source.kind,
    source_namespace: source.namespace,
    source_name: source.name,
    destination_kind: destination.kind,
    destination_namespace: destination.namespace,
    destination_name: destination.name,
    node: enforcementPoint?.node,
    policies,
    seen_at: formatInstant(drop.firstSeenAt),
    explanation_id: explanationId,
  };
}

/** A group is made by its first drop; one that is there stays as it is. */
async function insertGroups(client: pg.PoolClient, clusterId: number, prepared: readonly Prepared[]): Promise<void> {
  const first = new Map<string, Prepared>();
  for (const each of prepared) if (!first.has(each.groupId)) first.set(each.groupId, each);
  if (first.size === 0) return;
  await client.query(INSERT_GROUPS, [clusterId, storableJson(JSON.stringify([...first.values()].map(groupRow)))]);
}

// First and last sight and the explanation shown come from the drops that are there, so that they do not depend on the
// order in which evidence arrived; what was first seen before the oldest drop that is kept was first seen then. Sums are
// carried, so that a storm does not recount itself.
const UPDATE_GROUPS = `
  UPDATE drop_group g SET drops = g.drops + t.drops, attempts = g.attempts + t.attempts, packets = g.packets + t.packets,
         first_seen_at = CASE WHEN g.first_seen_at < k.kept_from THEN g.first_seen_at ELSE coalesce(f.first_seen_at, g.first_seen_at) END,
         last_seen_at = coalesce(l.last_seen_at, g.last_seen_at),
         explanation_id = coalesce(l.explanation_id, g.explanation_id),
         basis = coalesce((SELECT body ->> 'basis' FROM explanation e WHERE e.id = l.explanation_id), g.basis),
         node = coalesce((SELECT body #>> '{enforcementPoint,node}' FROM explanation e WHERE e.id = l.explanation_id), g.node)
    FROM unnest($1::text[], $2::int8[], $3::int8[], $4::int8[]) AS t(id, drops, attempts, packets)
    JOIN drop_group o ON o.id = t.id
    JOIN cluster k ON k.id = o.cluster_id
    LEFT JOIN LATERAL (SELECT d.first_seen_at FROM "drop" d WHERE d.group_id = t.id ORDER BY d.first_seen_at LIMIT 1) f ON true
    LEFT JOIN LATERAL (SELECT d.last_seen_at, d.explanation_id FROM "drop" d WHERE d.group_id = t.id
                        ORDER BY d.first_seen_at DESC, d.id LIMIT 1) l ON true
   WHERE g.id = t.id`;

async function updateGroups(client: pg.PoolClient, totals: ReadonlyMap<string, Totals>): Promise<void> {
  const list = [...totals.entries()];
  if (list.length === 0) return;
  await client.query(UPDATE_GROUPS, [
    list.map(([id]) => id),
    list.map(([, sum]) => sum.drops),
    list.map(([, sum]) => sum.attempts),
    list.map(([, sum]) => sum.packets),
  ]);
  await client.query('DELETE FROM drop_group WHERE id = ANY($1) AND drops = 0', [list.map(([id]) => id)]);
}

/** What a replacement did: drops written, the groups it touched, the drops it decided, and those of them that nobody was told of under another id, by their ids. */
export interface ReplacedDrops {
  readonly drops: number;
  readonly groups: readonly string[];
  readonly decided: readonly string[];
  readonly fresh: readonly string[];
}

/**
 * Puts newly correlated drops in the place of those that the same connections had around the same time, and carries the
 * totals of their groups. Drops whose first sight lies beyond the looked-at span stay as they are.
 */
export async function replaceDrops(
  client: pg.PoolClient,
  clusterId: number,
  keys: readonly bigint[],
  [dirtyFrom, dirtyTo]: readonly [Instant, Instant],
  drops: readonly CorrelatedDrop[],
): Promise<ReplacedDrops> {
  const span = [dirtyFrom - REACH, dirtyTo + REACH] as const;
  const inside = drops.filter(({ drop }) => drop.firstSeenAt >= span[0] && drop.firstSeenAt <= span[1]);
  const prepared = prepareAll(inside);
  const totals = new Map<string, Totals>();
  const deltas = new Deltas();
  const decided = prepared.map(({ drop }) => drop.id);
  const { known, gone } = removedDrops(await removeDrops(client, clusterId, keys, span, decided), totals, deltas);
  const renamed = renamedDrops(gone, inside);
  await insertExplanations(client, prepared);
  await insertDrops(client, clusterId, prepared);
  await insertGroups(client, clusterId, prepared);
  for (const { groupId, drop } of prepared) {
    add(totals, groupId, 1, drop.attempts, drop.packets);
    deltas.add(drop.firstSeenAt, groupId, sumsOf(drop));
  }
  // Before groups vanish: their dimensions say which slices lose something.
  await rollUpDrops(client, clusterId, deltas);
  await updateGroups(client, totals);
  const added = decided.filter((id) => !known.has(id));
  await writeFormerIds(client, clusterId, renamed, added);
  const names = new Set(renamed.map(({ to }) => to.id));
  const fresh = added.filter((id) => !names.has(id));
  return { drops: prepared.length, groups: [...totals.keys()], decided, fresh };
}
