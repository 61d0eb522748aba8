import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { labelsOf } from './keyed-sql.js';
import type { Target } from './target.js';

export interface PolicyChange {
  /** `Kind/namespace/name` */
  readonly policy: string;
  readonly change: string;
  readonly at: Instant;
}

/** What happened to these policies in a time, the latest first. */
export async function loadPolicyChanges(
  client: pg.PoolClient,
  clusterId: number,
  policies: readonly string[],
  [from, to]: readonly [Instant, Instant],
): Promise<readonly PolicyChange[]> {
  if (policies.length === 0) return [];
  const { rows } = await client.query<{ policy: string; change: string; at: bigint }>(
    `SELECT o.kind || '/' || o.namespace || '/' || o.name AS policy, o.change, ${MICROS('o.at')} AS at
       FROM object_version o
      WHERE o.cluster_id = $1 AND o.kind || '/' || o.namespace || '/' || o.name = ANY ($2)
        AND o.change <> 'STATE' AND o.at >= $3 AND o.at < $4
      ORDER BY o.at DESC, o.id DESC LIMIT 10`,
    [clusterId, policies, formatInstant(from), formatInstant(to)],
  );
  return rows.map((row) => ({ ...row, at: Number(row.at) }));
}

/** Series one of whose policies changed within `window` before the last minute. */
export async function changedPolicies(
  target: Target,
  keys: readonly string[],
  window: number,
): Promise<ReadonlySet<string>> {
  const { rule, client, clusterId, now } = target;
  const policiesOf = (key: string) => (labelsOf(rule.groupBy, key)['policy'] ?? '').split(', ').filter((p) => p !== '');
  const all = [...new Set(keys.flatMap(policiesOf))];
  const changes = await loadPolicyChanges(client, clusterId, all, [now - window, now]);
  const changed = new Set(changes.map(({ policy }) => policy));
  return new Set(keys.filter((key) => policiesOf(key).some((policy) => changed.has(policy))));
}
