import { createHash } from 'node:crypto';
import {
  formatInstant,
  type Instant,
  instantFromRfc3339,
  type KubernetesObject,
  type ObjectChange,
} from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from './batch.js';
import { storableJson } from './storable-json.js';

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

/** The changes of an object, the first one first: in the order of their times, whatever the order of arrival. */
const IN_ORDER = `v.at, v.change = 'DELETED', v.resource_version, v.content_hash, v.change, v.id`;

// From all known changes of an object: a version holds until the next change. The first known one, when it was found and not
// made then, holds from the object's creation.
const VALIDITY = `
  WITH touched AS (
    SELECT DISTINCT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS t(g, k, ns, n)
  ), ordered AS (
    SELECT v.id, v.at, v.change, lead(v.at) OVER w AS next_at, row_number() OVER w AS ordinal,
           v.created_at AS created
      FROM object_version v JOIN touched t ON (v.api_group, v.kind, v.namespace, v.name) = (t.g, t.k, t.ns, t.n)
     WHERE v.cluster_id = $1
    WINDOW w AS (PARTITION BY v.api_group, v.kind, v.namespace, v.name
                 ORDER BY ${IN_ORDER})
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

const FIRST = `
  SELECT t.ordinal::int - 1 AS change, f.id, f.since
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS t(g, k, ns, n, ordinal)
    CROSS JOIN LATERAL (
      SELECT v.id, ${MICROS('v.valid_from')} AS since FROM object_version v
       WHERE v.cluster_id = $1 AND (v.api_group, v.kind, v.namespace, v.name) = (t.g, t.k, t.ns, t.n)
       ORDER BY ${IN_ORDER} LIMIT 1) f`;

interface First {
  readonly id: bigint;
  readonly since: bigint;
}

/** The cluster, and of each change its object's group, kind, namespace and name. */
type Objects = readonly [number, ...(readonly string[])[]];

/** The first known version of each change's object. */
async function firstVersions(client: pg.PoolClient, objects: Objects): Promise<ReadonlyMap<number, First>> {
  const { rows } = await client.query<First & { readonly change: number }>(FIRST, [...objects]);
  return new Map(rows.map((row) => [row.change, row]));
}

/**
 * From when on other versions can be in force than before a change came. What was in force before it stays so, unless an
 * object has another first version now: both were taken to hold since some time before they were seen.
 */
function changedFrom({ at }: ObjectChange, before: First | undefined, after: First | undefined): Instant {
  if (before && before.id === after?.id) return at;
  return Math.min(at, Number(before?.since ?? at), Number(after?.since ?? at));
}

/**
 * Stores object changes and works out anew when each version of the touched objects was in force. Gives the time from
 * which on something else is in force than before, whatever came in which order; undefined when there are no changes.
 */
export async function storeObjects(
  client: pg.PoolClient,
  clusterId: number,
  batchId: bigint,
  changes: readonly ObjectChange[],
): Promise<Instant | undefined> {
  if (changes.length === 0) return undefined;
  const objects = changes.map((change) => change.object);
  const touched: Objects = [
    clusterId,
    objects.map(apiGroup),
    objects.map((object) => object.kind),
    objects.map((object) => object.metadata.namespace ?? ''),
    objects.map((object) => object.metadata.name),
  ];
  // One writer per cluster at a time: two that touch the same object would each miss the other's versions.
  await client.query('SELECT pg_advisory_xact_lock(72707371, $1)', [clusterId]);
  const before = await firstVersions(client, touched);
  await client.query(INSERT, [
    clusterId,
    batchId,
    ...touched.slice(1),
    objects.map((object) => object.metadata.uid ?? null),
    objects.map((object) => object.metadata.resourceVersion ?? null),
    changes.map((change) => change.type),
    objects.map(createdAt),
    changes.map((change) => formatInstant(change.at)),
    objects.map(contentHash),
    objects.map((object) => storableJson(JSON.stringify(object))),
  ]);
  await client.query(VALIDITY, [...touched]);
  const after = await firstVersions(client, touched);
  const from = changes.map((change, at) => changedFrom(change, before.get(at), after.get(at)));
  return from.reduce((a, b) => Math.min(a, b));
}
