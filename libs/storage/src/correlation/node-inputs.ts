import type { Family, Instant, Ipset, IpsetSnapshot, KubernetesObject, RulesetBackend } from '@whydrop/model';
import { knownPolicy } from '@whydrop/ruleset';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { NEXT_TO } from './reconciliation-due.js';

/** A node is compared once in this time, however often its ruleset is read. In µs. */
const COMPARED_EVERY = 10_000_000;

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

/** The moment a node is compared, and the content of what it ran then. */
export interface ComparedAt {
  readonly at: Instant;
  readonly family: Family;
  readonly backend: RulesetBackend;
  readonly rulesetHash: string;
  readonly otherBackendPresent: boolean;
  /** What else of this family it ran then: the other backend of iptables, native tables. */
  readonly beside: readonly BesideRow[];
  readonly ipsetHash: string | null;
}

interface BesideRow {
  readonly backend: RulesetBackend;
  readonly hash: string;
}

interface ComparedRow {
  readonly at: bigint;
  readonly family: Family;
  readonly backend: RulesetBackend;
  readonly ruleset_hash: string;
  readonly other_backend_present: boolean;
  readonly beside: readonly BesideRow[];
  readonly ipset_hash: string | null;
}

/** The last snapshot of each ruleset before the one that a time lies in: what is there from it on is followed anew. */
export async function resumeFrom(client: pg.PoolClient, emitterId: number, from: Instant): Promise<Instant> {
  const { rows } = await client.query<{ at: bigint | null }>(
    `SELECT ${MICROS('min(at)')} AS at FROM (
       SELECT max(observed_at) AS at FROM ruleset_snapshot
        WHERE emitter_id = $1 AND observed_at < ${AT('$2')} GROUP BY family, backend) s`,
    [emitterId, startOf(from)],
  );
  return startOf(rows[0]?.at == null ? from : Number(rows[0].at));
}

/** Start of the time in which a node is compared once. */
function startOf(instant: Instant): Instant {
  return Math.floor(instant / COMPARED_EVERY) * COMPARED_EVERY;
}

/** The newest snapshot of a node. */
export async function newestSnapshot(client: pg.PoolClient, emitterId: number): Promise<Instant | undefined> {
  const { rows } = await client.query<{ at: bigint | null }>(
    `SELECT ${MICROS('max(observed_at)')} AS at FROM ruleset_snapshot WHERE emitter_id = $1`,
    [emitterId],
  );
  return rows[0]?.at == null ? undefined : Number(rows[0].at);
}

// The first snapshot in each stretch of time, so that later ones of it change nothing. Native tables are compared with
// nothing: that they know no policy says nothing of the tables of iptables beside them.
const MOMENTS = `
  SELECT ${MICROS('r.observed_at')} AS at, r.family, r.backend, r.ruleset_hash, r.other_backend_present,
         (SELECT coalesce(jsonb_agg(jsonb_build_object('backend', o.backend, 'hash', o.ruleset_hash) ORDER BY o.backend), '[]')
            FROM (SELECT DISTINCT ON (backend) backend, ruleset_hash FROM ruleset_snapshot
                   WHERE emitter_id = $1 AND family = r.family AND backend <> r.backend
                     AND observed_at <= r.observed_at + interval '${NEXT_TO} microseconds'
                   ORDER BY backend, observed_at DESC, batch_id DESC) o) AS beside,
         (SELECT s.content_hash FROM ipset_snapshot s WHERE s.emitter_id = $1
             AND s.observed_at <= r.observed_at + interval '${NEXT_TO} microseconds'
           ORDER BY s.observed_at DESC, s.batch_id DESC LIMIT 1) AS ipset_hash
    FROM (SELECT DISTINCT ON (family, backend, floor(extract(epoch FROM observed_at) * 1000000 / ${COMPARED_EVERY}))
                 observed_at, family, backend, ruleset_hash, other_backend_present
            FROM ruleset_snapshot WHERE emitter_id = $1 AND backend <> 'nftables' AND observed_at >= ${AT('$2')}
           ORDER BY family, backend, floor(extract(epoch FROM observed_at) * 1000000 / ${COMPARED_EVERY}), observed_at, batch_id) r
   ORDER BY r.observed_at, r.family, r.backend`;

/** When a node is to be compared from a time on, the first time first. */
export async function comparedMoments(
  client: pg.PoolClient,
  emitterId: number,
  from: Instant,
): Promise<readonly ComparedAt[]> {
  const { rows } = await client.query<ComparedRow>(MOMENTS, [emitterId, from]);
  return rows.map((row) => ({
    at: Number(row.at),
    family: row.family,
    backend: row.backend,
    rulesetHash: row.ruleset_hash,
    otherBackendPresent: row.other_backend_present,
    beside: row.beside,
    ipsetHash: row.ipset_hash,
  }));
}

/** The sets of one content. */
export async function ipsetsOf(
  client: pg.PoolClient,
  { at, ipsetHash }: ComparedAt,
): Promise<IpsetSnapshot | undefined> {
  if (ipsetHash === null) return undefined;
  const { rows } = await client.query<{ sets: readonly Ipset[] }>('SELECT sets FROM ipset_content WHERE hash = $1', [
    ipsetHash,
  ]);
  return rows[0] && { kind: 'ipsets', observedAt: at, sets: rows[0].sets };
}

interface AddressRow {
  readonly at: bigint | null;
  readonly interfaces: readonly { readonly addresses: readonly string[] }[];
}

/** The addresses of a node: those that hold throughout and those read last before a time. */
export async function addressesOf(
  client: pg.PoolClient,
  emitterId: number,
): Promise<(at: Instant) => readonly string[]> {
  const { rows } = await client.query<AddressRow>(
    `SELECT ${MICROS('observed_at')} AS at, interfaces FROM interface_snapshot WHERE emitter_id = $1
      ORDER BY observed_at NULLS FIRST, batch_id`,
    [emitterId],
  );
  const always = rows.filter((row) => row.at === null);
  const timed = rows.filter((row) => row.at !== null);
  return (at) => {
    const last = timed.findLast((row) => Number(row.at) <= at + NEXT_TO);
    const all = [...always, ...(last ? [last] : [])].flatMap(({ interfaces }) => interfaces);
    return [...new Set(all.flatMap(({ addresses }) => addresses))].toSorted();
  };
}

/** Kinds of policies that the cluster has ever shown. */
export async function policyKindsOf(client: pg.PoolClient, clusterId: number): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ api_group: string; kind: string }>(
    'SELECT DISTINCT api_group, kind FROM object_version WHERE cluster_id = $1',
    [clusterId],
  );
  return new Set(
    rows.flatMap(({ api_group, kind }) => {
      const object: KubernetesObject = { apiVersion: `${api_group}/v1`, kind, metadata: { name: '' } };
      return knownPolicy(object)?.ref.kind ?? [];
    }),
  );
}
