import type { Instant, PolicyDirection } from '@whydrop/model';
import type { Drift, DriftCode } from '@whydrop/ruleset';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';

/** How much a finding matters: `critical` traffic passes that policy denies; `warning` it is stopped, or will be; `info` leftovers. */
export type FindingSeverity = 'critical' | 'warning' | 'info';

/** A difference between what policies say and what a node runs that had lasted longer than a node may take to settle. */
export interface OpenFinding {
  readonly id: string;
  readonly node: string;
  readonly kind: DriftCode;
  readonly severity: FindingSeverity;
  readonly namespace: string | null;
  /** Name of the pod; null when a chain or set is concerned. */
  readonly workload: string | null;
  readonly direction: PolicyDirection | null;
  /** Chain or set, where no workload is concerned. */
  readonly subject: string | null;
  /** `Kind/namespace/name`. */
  readonly policies: readonly string[];
  readonly sentence: string;
  readonly firstSeenAt: Instant;
  readonly lastSeenAt: Instant;
  readonly openedAt: Instant;
  /** Set when it was over later than the instant that was asked for. */
  readonly resolvedAt: Instant | null;
}

/** What the smallest connection that shows it was, and where the node decided about it. */
export type FindingDetail = Pick<Drift, 'witness' | 'decidedAt' | 'count'>;

interface OpenRow extends Omit<OpenFinding, 'firstSeenAt' | 'lastSeenAt' | 'openedAt' | 'resolvedAt'> {
  readonly first: bigint;
  readonly last: bigint;
  readonly opened: bigint;
  readonly resolved: bigint | null;
}

const OPEN = `
  SELECT f.id, e.node, f.kind, f.severity, f.namespace, f.workload, f.direction, f.subject, f.policies, f.sentence,
         ${MICROS('f.first_seen_at')} AS first, ${MICROS('f.last_seen_at')} AS last,
         ${MICROS('f.opened_at')} AS opened, ${MICROS('f.resolved_at')} AS resolved
    FROM reconciliation_finding f JOIN emitter e ON e.id = f.emitter_id,
         (SELECT 'epoch'::timestamptz + $2::int8 * interval '1 microsecond' AS at) asked
   WHERE f.cluster_id = $1 AND f.opened_at <= asked.at AND (f.resolved_at IS NULL OR f.resolved_at > asked.at)
   ORDER BY f.opened_at, f.id`;

/** Findings of a cluster that are open at an instant, the oldest first. */
export async function loadOpenFindings(
  client: Pick<pg.PoolClient, 'query'>,
  clusterId: number,
  at: Instant,
): Promise<readonly OpenFinding[]> {
  const { rows } = await client.query<OpenRow>(OPEN, [clusterId, at]);
  return rows.map(({ first, last, opened, resolved, ...row }) => ({
    ...row,
    firstSeenAt: Number(first),
    lastSeenAt: Number(last),
    openedAt: Number(opened),
    resolvedAt: resolved === null ? null : Number(resolved),
  }));
}
