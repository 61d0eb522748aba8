import { createHash } from 'node:crypto';
import { formatInstant, instantFromRfc3339, type KubernetesObject, type ObjectChange } from '@whydrop/model';
import type pg from 'pg';

/** API group without its version; NetworkPolicies that moved from `extensions` keep one identity. */
function apiGroup(object: KubernetesObject): string {
  const group = object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
  return group === 'extensions' && object.kind === 'NetworkPolicy' ? 'networking.k8s.io' : group;
}

function createdAt(object: KubernetesObject): string | null {
  const instant = instantFromRfc3339(object.metadata.creationTimestamp ?? '');
  return instant === undefined ? null : formatInstant(instant);
}

function contentHash(object: KubernetesObject): string {
  return createHash('sha1').update(JSON.stringify(object)).digest('base64url');
}

const INSERT = `
  INSERT INTO object_version (cluster_id, api_group, kind, namespace, name, uid, resource_version, change, created_at, at,
                              valid_from, content_hash, object, batch_id)
  SELECT $1, g, k, ns, n, uid, rv, change, created, at, at, hash, object, $2
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::timestamptz[], $11::timestamptz[], $12::text[], $13::jsonb[])
      AS t(g, k, ns, n, uid, rv, change, created, at, hash, object)
  ON CONFLICT DO NOTHING`;

// From all known changes of an object, in the order of their times whatever the order of arrival: a version holds until
// the next change. The first known one, when it was found and not made then, holds from the object's creation.
const VALIDITY = `
  WITH touched AS (
    SELECT DISTINCT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS t(g, k, ns, n)
  ), ordered AS (
    SELECT v.id, v.at, v.change, lead(v.at) OVER w AS next_at, row_number() OVER w AS ordinal,
           v.created_at AS created
      FROM object_version v JOIN touched t ON (v.api_group, v.kind, v.namespace, v.name) = (t.g, t.k, t.ns, t.n)
     WHERE v.cluster_id = $1
    WINDOW w AS (PARTITION BY v.api_group, v.kind, v.namespace, v.name
                 ORDER BY v.at, v.change = 'DELETED', v.resource_version, v.content_hash, v.id)
  ), validity AS (
    SELECT id,
           CASE WHEN ordinal > 1 OR change NOT IN ('STATE', 'ADDED') THEN at
                ELSE least(at, coalesce(created, CASE WHEN change = 'STATE' THEN 'epoch'::timestamptz ELSE at END)) END AS valid_from,
           CASE WHEN change = 'DELETED' THEN at ELSE next_at END AS valid_to
      FROM ordered
  )
  UPDATE object_version v SET valid_from = n.valid_from, valid_to = n.valid_to
    FROM validity n
   WHERE v.id = n.id AND (v.valid_from, v.valid_to) IS DISTINCT FROM (n.valid_from, n.valid_to)`;

/** Stores object changes and works out anew when each version of the touched objects was in force. */
export async function storeObjects(
  client: pg.PoolClient,
  clusterId: number,
  batchId: bigint,
  changes: readonly ObjectChange[],
): Promise<void> {
  if (changes.length === 0) return;
  const objects = changes.map((change) => change.object);
  const groups = objects.map(apiGroup);
  const kinds = objects.map((object) => object.kind);
  const namespaces = objects.map((object) => object.metadata.namespace ?? '');
  const names = objects.map((object) => object.metadata.name);
  // One writer per cluster at a time: two that touch the same object would each miss the other's versions.
  await client.query('SELECT pg_advisory_xact_lock(72707371, $1)', [clusterId]);
  await client.query(INSERT, [
    clusterId,
    batchId,
    groups,
    kinds,
    namespaces,
    names,
    objects.map((object) => object.metadata.uid ?? null),
    objects.map((object) => object.metadata.resourceVersion ?? null),
    changes.map((change) => change.type),
    objects.map(createdAt),
    changes.map((change) => formatInstant(change.at)),
    objects.map(contentHash),
    objects.map((object) => JSON.stringify(object).replaceAll('\\u0000', '\\ufffd')),
  ]);
  await client.query(VALIDITY, [clusterId, groups, kinds, namespaces, names]);
}
