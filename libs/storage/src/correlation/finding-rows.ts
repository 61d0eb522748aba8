import { createHash } from 'node:crypto';
import type { DriftEpisode, NodeDrift } from '@whydrop/explain';
import { formatInstant, type Instant, type PolicyRef } from '@whydrop/model';
import type { DriftCode } from '@whydrop/ruleset';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { storableJson } from '../write/storable-json.js';
import type { FindingDetail, FindingSeverity } from './findings.js';
import type { ComparedAt } from './node-inputs.js';
import type { DueNode } from './reconciliation-due.js';

/** One ruleset of a node: differences are followed for each by itself. */
export type RulesetOf = Pick<ComparedAt, 'family' | 'backend'>;

const SEVERITIES: Readonly<Record<DriftCode, FindingSeverity>> = {
  NODE_ALLOWS: 'critical',
  NODE_DENIES: 'warning',
  SET_MEMBER_MISSING: 'warning',
  SET_MEMBER_EXTRA: 'warning',
  LAGGING: 'info',
  ORPHAN_CHAIN: 'info',
};

interface FindingRow {
  readonly detail: FindingDetail & { readonly key: string };
  readonly kind: DriftCode;
  readonly namespace: string | null;
  readonly workload: string | null;
  readonly direction: NodeDrift['direction'] | null;
  readonly subject: string | null;
  readonly policies: readonly string[];
  readonly sentence: string;
  readonly first: bigint;
  readonly last: bigint;
  readonly opened: bigint | null;
}

function policyText({ kind, namespace, name }: PolicyRef): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

function policyOf(text: string): PolicyRef {
  const [kind = '', namespace = '', ...name] = text.split('/');
  const none = { uid: undefined, resourceVersion: undefined, tier: undefined };
  return { kind, namespace: namespace === '' ? null : namespace, name: name.join('/'), ...none };
}

function episodeOf(row: FindingRow, node: string): DriftEpisode {
  const { key, witness, decidedAt, count } = row.detail;
  const drift: NodeDrift = {
    code: row.kind,
    node,
    workload:
      row.namespace === null || row.workload === null ? undefined : { namespace: row.namespace, pod: row.workload },
    direction: row.direction ?? undefined,
    subject: row.subject ?? undefined,
    policies: row.policies.map(policyOf),
    sentence: row.sentence,
    witness,
    decidedAt,
    count,
  };
  const [firstSeenAt, lastSeenAt] = [Number(row.first), Number(row.last)];
  const openedAt = row.opened === null ? undefined : Number(row.opened);
  return { key, drift, firstSeenAt, lastSeenAt, openedAt, resolvedAt: undefined };
}

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

/**
 * Takes away what is known of a node's differences from an instant on, and returns those that were there then as they
 * were, to be followed anew.
 */
export async function rewindFindings(
  client: pg.PoolClient,
  { emitterId, node }: DueNode,
  { family, backend }: RulesetOf,
  from: Instant,
): Promise<readonly DriftEpisode[]> {
  const { rows } = await client.query<FindingRow>(
    `DELETE FROM reconciliation_finding WHERE emitter_id = $1 AND family = $2 AND backend = $3
        AND (resolved_at IS NULL OR resolved_at >= ${AT('$4')})
     RETURNING detail, kind, namespace, workload, direction, subject, policies, sentence,
               ${MICROS('first_seen_at')} AS first, ${MICROS('last_seen_at')} AS last, ${MICROS('opened_at')} AS opened`,
    [emitterId, family, backend, from],
  );
  return rows
    .filter((row) => Number(row.first) < from)
    .map((row) => ({ ...row, opened: row.opened !== null && Number(row.opened) >= from ? null : row.opened }))
    .map((row) => episodeOf(row, node));
}

function rowOf({ emitterId, clusterId, cluster, node }: DueNode, of: RulesetOf, episode: DriftEpisode) {
  const { key, drift, firstSeenAt, lastSeenAt, openedAt, resolvedAt } = episode;
  const identity = [cluster, node, of.family, of.backend, key, firstSeenAt].join('\n');
  return {
    id: createHash('sha256').update(identity).digest('base64url').slice(0, 22),
    cluster_id: clusterId,
    emitter_id: emitterId,
    family: of.family,
    backend: of.backend,
    kind: drift.code,
    severity: SEVERITIES[drift.code],
    namespace: drift.workload?.namespace ?? null,
    workload: drift.workload?.pod ?? null,
    direction: drift.direction ?? null,
    subject: drift.subject ?? null,
    policies: drift.policies.map(policyText),
    sentence: drift.sentence,
    detail: { key, witness: drift.witness, decidedAt: drift.decidedAt, count: drift.count },
    first_seen_at: formatInstant(firstSeenAt),
    last_seen_at: formatInstant(lastSeenAt),
    opened_at: openedAt === undefined ? null : formatInstant(openedAt),
    resolved_at: resolvedAt === undefined ? null : formatInstant(resolvedAt),
  };
}

/** Writes what was found, followed to the newest comparison. */
export async function insertFindings(
  client: pg.PoolClient,
  due: DueNode,
  of: RulesetOf,
  episodes: readonly DriftEpisode[],
): Promise<void> {
  if (episodes.length === 0) return;
  await client.query(
    `INSERT INTO reconciliation_finding SELECT * FROM json_populate_recordset(NULL::reconciliation_finding, $1::json)`,
    [storableJson(JSON.stringify(episodes.map((episode) => rowOf(due, of, episode))))],
  );
}
