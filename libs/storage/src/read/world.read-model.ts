import type { Instant, KubernetesObject } from '@whydrop/model';
import { Params } from './condition.js';
import { instantParam, microsOf, type TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** The objects of a cluster that were there at an instant. */
export function worldStatement(cluster: string, at: Instant): Statement {
  const params = new Params();
  const instant = instantParam(params, at);
  const text = `
SELECT v.object FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE c.name = ${params.add(cluster, 'text')} AND v.valid_from <= ${instant} AND (v.valid_to IS NULL OR v.valid_to > ${instant})
ORDER BY v.api_group, v.kind, v.namespace, v.name, v.valid_from, v.content_hash`;
  return { text, values: params.values };
}

export async function readWorld(reader: Reader, statement: Statement): Promise<readonly KubernetesObject[]> {
  return (await reader.rows<{ readonly object: KubernetesObject }>(statement)).map(({ object }) => object);
}

/** Number of the newest version of any object of a cluster; null when there is no such cluster, or nothing of it. */
export function worldVersionStatement(cluster: string): Statement {
  const text = `
SELECT max(v.id)::text AS newest FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE c.name = $1::text`;
  return { text, values: [cluster] };
}

export async function readWorldVersion(reader: Reader, cluster: string): Promise<string | null> {
  return (await reader.rows<{ readonly newest: string | null }>(worldVersionStatement(cluster)))[0]?.newest ?? null;
}

/** Connections alike: seen between two addresses at one port, however often. */
export interface SeenPair {
  readonly source: string;
  readonly destination: string;
  readonly port: number | null;
  /** Number of the protocol. */
  readonly protocol: number;
  readonly seen: number;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
}

/** Pairs read at most. */
export const PAIR_LIMIT = 20_000;

/** Stored connections of a cluster, folded; those seen most come first. Destination and port are those behind a service. */
export function seenPairsStatement(cluster: string, range: TimeRange): Statement {
  const params = new Params();
  const from = instantParam(params, range.from);
  const to = range.to === undefined ? 'true' : `f.observed_at < ${instantParam(params, range.to)}`;
  const text = `
SELECT host(f.source) AS source, host(f.reply_source) AS destination, f.reply_source_port AS port, f.protocol::int AS protocol,
       count(DISTINCT (f.source_port, f.destination, f.destination_port))::int AS seen,
       ${microsOf('min(f.observed_at)')} AS "firstSeenAt", ${microsOf('max(f.observed_at)')} AS "lastSeenAt"
FROM flow f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE f.observed_at >= ${from} AND ${to} AND c.name = ${params.add(cluster, 'text')}
GROUP BY f.source, f.reply_source, f.reply_source_port, f.protocol
ORDER BY seen DESC, f.source, f.reply_source, f.reply_source_port, f.protocol
LIMIT ${PAIR_LIMIT + 1}`;
  return { text, values: params.values };
}

/** Blocked connections of a cluster, folded alike. */
export function blockedPairsStatement(cluster: string, range: TimeRange): Statement {
  const params = new Params();
  const from = instantParam(params, range.from);
  const to = range.to === undefined ? 'true' : `d.first_seen_at < ${instantParam(params, range.to)}`;
  const text = `
SELECT host(d.source) AS source, host(d.destination) AS destination, d.destination_port AS port, d.protocol AS protocol,
       count(*)::int AS seen, ${microsOf('min(d.first_seen_at)')} AS "firstSeenAt", ${microsOf('max(d.last_seen_at)')} AS "lastSeenAt"
FROM "drop" d
JOIN drop_group g ON g.id = d.group_id
JOIN cluster c ON c.id = d.cluster_id
WHERE d.first_seen_at >= ${from} AND ${to} AND g.verdict IN ('dropped', 'rejected') AND c.name = ${params.add(cluster, 'text')}
GROUP BY d.source, d.destination, d.destination_port, d.protocol
ORDER BY seen DESC, d.source, d.destination, d.destination_port, d.protocol
LIMIT ${PAIR_LIMIT + 1}`;
  return { text, values: params.values };
}

type Raw<Protocol> = Omit<SeenPair, 'protocol' | 'firstSeenAt' | 'lastSeenAt'> & {
  readonly protocol: Protocol;
  readonly firstSeenAt: bigint;
  readonly lastSeenAt: bigint;
};

/** Runs a statement that gives pairs; `protocolOf` says which protocol the column means. */
export async function readPairs<Column, Protocol>(
  reader: Reader,
  statement: Statement,
  protocolOf: (column: Column) => Protocol,
): Promise<readonly (Omit<SeenPair, 'protocol'> & { readonly protocol: Protocol })[]> {
  const rows = await reader.rows<Raw<Column>>(statement);
  return rows.map((row) => ({
    ...row,
    protocol: protocolOf(row.protocol),
    firstSeenAt: Number(row.firstSeenAt),
    lastSeenAt: Number(row.lastSeenAt),
  }));
}
