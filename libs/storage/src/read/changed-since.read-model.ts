import { changedSince } from '@whydrop/explain';
import type { Change, KubernetesObject, ObjectVersion } from '@whydrop/model';
import { groupBy } from '../correlation/snapshots.js';
import { microsOf } from './page.js';
import type { Reader, Statement } from './reader.js';

interface VersionRow {
  readonly drop_id: string;
  readonly then: bigint;
  readonly cited: number;
  readonly object: KubernetesObject;
  readonly valid_from: bigint;
  readonly valid_to: bigint | null;
}

/** Versions, from the drop's time on, of the policies and pods that drops cite. Calico's NetworkPolicy has its own group. */
export function citedVersionsStatement(dropIds: readonly string[]): Statement {
  const text = `
SELECT d.id AS drop_id, ${microsOf('d.first_seen_at')} AS then, r.cited::int AS cited, v.object,
       ${microsOf('v.valid_from')} AS valid_from, ${microsOf('v.valid_to')} AS valid_to
FROM "drop" d
JOIN explanation x ON x.id = d.explanation_id
CROSS JOIN LATERAL (
  SELECT p ->> 'kind' AS kind, p ->> 'namespace' AS namespace, p ->> 'name' AS name, n AS cited
  FROM jsonb_array_elements(x.body -> 'policies') WITH ORDINALITY AS e (p, n)
  UNION ALL
  SELECT 'Pod', d.detail #>> '{source,pod,namespace}', d.detail #>> '{source,pod,name}', 1001
  UNION ALL
  SELECT 'Pod', d.detail #>> '{destination,pod,namespace}', d.detail #>> '{destination,pod,name}', 1002) r
JOIN object_version v ON v.cluster_id = d.cluster_id AND v.name = r.name
  AND v.namespace = coalesce(r.namespace, '')
  AND v.kind = CASE r.kind WHEN 'CalicoNetworkPolicy' THEN 'NetworkPolicy' ELSE r.kind END
  AND v.api_group = ANY (CASE r.kind
    WHEN 'Pod' THEN ARRAY['']
    WHEN 'NetworkPolicy' THEN ARRAY['networking.k8s.io', 'extensions']
    ELSE ARRAY['projectcalico.org', 'crd.projectcalico.org', 'policy.networking.k8s.io'] END)
WHERE d.id = ANY ($1::text[])
  AND (v.valid_to IS NULL OR v.valid_to > d.first_seen_at)
  AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)
ORDER BY d.id, r.cited, v.valid_from, v.id`;
  return { text, values: [dropIds] };
}

function versionOf(row: VersionRow): ObjectVersion {
  const validTo = row.valid_to === null ? undefined : Number(row.valid_to);
  return { object: row.object, validFrom: Number(row.valid_from), validTo };
}

/** For each of these drops: what it cites that is gone or another now. Worked out anew each time it is asked. */
export async function readChangedSince(
  reader: Reader,
  dropIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Change[]>> {
  const rows = await reader.rows<VersionRow>(citedVersionsStatement(dropIds));
  const series = groupBy(rows, (row) => `${row.drop_id} ${row.cited}`);
  const found = new Map<string, Change[]>();
  for (const own of series.values()) {
    const [first] = own;
    const change = first && changedSince(own.map(versionOf), Number(first.then));
    if (first && change) found.set(first.drop_id, [...(found.get(first.drop_id) ?? []), change]);
  }
  return found;
}
