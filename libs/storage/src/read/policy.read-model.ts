import type { Instant, KubernetesObject } from '@whydrop/model';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn } from './page.js';
import type { Reader, Statement } from './reader.js';

/** One version of a policy; of a list the latest one. */
export interface PolicyRow {
  /** `cluster/group/kind/namespace/name`; the namespace of a global policy is empty. */
  readonly key: string;
  /** Number of the version, as long as the database lives. */
  readonly version: string;
  readonly cluster: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly uid: string | null;
  readonly resourceVersion: string | null;
  readonly validFrom: Instant;
  readonly validTo: Instant | null;
  readonly object: KubernetesObject;
}

// Calico's stored form of a policy is the same policy as the served one; explanations call its kind by another name.
const KEY = `c.name || '/' || v.api_group || '/' || v.kind || '/' || v.namespace || '/' || v.name`;
const KIND = `CASE WHEN v.kind = 'NetworkPolicy' AND v.api_group LIKE '%projectcalico.org' THEN 'CalicoNetworkPolicy' ELSE v.kind END`;
const POLICIES = `
FROM object_version v
JOIN cluster c ON c.id = v.cluster_id
WHERE v.kind IN ('NetworkPolicy', 'GlobalNetworkPolicy', 'StagedNetworkPolicy', 'StagedGlobalNetworkPolicy',
                 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy', 'ClusterNetworkPolicy')
  AND v.api_group IN ('networking.k8s.io', 'extensions', 'projectcalico.org', 'crd.projectcalico.org', 'policy.networking.k8s.io')
  AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)`;

const COLUMNS = `${KEY} AS key, v.id::text AS version, c.name AS cluster, ${KIND} AS kind, nullif(v.namespace, '') AS namespace,
       v.name, v.uid, v.resource_version AS "resourceVersion", ${microsOf('v.valid_from')} AS "validFrom",
       ${microsOf('v.valid_to')} AS "validTo", v.object`;

const LATEST = `(
SELECT DISTINCT ON (v.cluster_id, v.api_group, v.kind, v.namespace, v.name) ${COLUMNS}${POLICIES}
ORDER BY v.cluster_id, v.api_group, v.kind, v.namespace, v.name, v.valid_from DESC, v.id DESC) p`;

const FIELDS = {
  cluster: { type: 'text', any: ['p.cluster'] },
  kind: { type: 'text', any: ['p.kind'] },
  namespace: { type: 'text', any: ['p.namespace'] },
  name: { type: 'text', any: ['p.name'] },
  deleted: { type: 'bool', any: [`(p."validTo" IS NOT NULL)`] },
} satisfies Record<string, FieldSql>;

export type PolicyCondition = Condition<keyof typeof FIELDS>;

export const POLICY_SORT: readonly SortColumn[] = [{ sql: 'p.key', type: 'text' }];

/** Policies of one page, each as it is now or was last. */
export function policiesStatement(condition: PolicyCondition, page: PageRequest): Statement {
  const params = new Params();
  const where = conditionSql(FIELDS, condition, params);
  const after = afterSql(POLICY_SORT, page, params);
  const text = `SELECT * FROM ${LATEST}\nWHERE ${where}\n  AND ${after}\n${pageSql(POLICY_SORT, page, params)}`;
  return { text, values: params.values };
}

export function policyCountStatement(condition: PolicyCondition): Statement {
  const params = new Params();
  const where = conditionSql(FIELDS, condition, params);
  const text = `SELECT count(*)::int AS count FROM (SELECT FROM ${LATEST}\nWHERE ${where}\nLIMIT ${COUNT_LIMIT + 1}) found`;
  return { text, values: params.values };
}

export function policiesByKeyStatement(keys: readonly string[]): Statement {
  return { text: `SELECT * FROM ${LATEST}\nWHERE p.key = ANY ($1::text[])`, values: [keys] };
}

/** All versions of these policies, the oldest first. */
export function policyVersionsStatement(keys: readonly string[]): Statement {
  const text = `SELECT ${COLUMNS}${POLICIES}\n  AND ${KEY} = ANY ($1::text[])\nORDER BY v.valid_from, v.id`;
  return { text, values: [keys] };
}

type Raw = Omit<PolicyRow, 'validFrom' | 'validTo'> & { readonly validFrom: bigint; readonly validTo: bigint | null };

export async function readPolicies(reader: Reader, statement: Statement): Promise<readonly PolicyRow[]> {
  const rows = await reader.rows<Raw>(statement);
  return rows.map((row) => {
    const validTo = row.validTo === null ? null : Number(row.validTo);
    return { ...row, validFrom: Number(row.validFrom), validTo };
  });
}
