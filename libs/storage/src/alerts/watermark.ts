import { formatInstant, type Instant } from '@whydrop/model';
import type pg from 'pg';
import type { Seen } from './seen.js';

const MINUTE = 60_000_000;
/** What a record may take from its node to us before its minute is closed. */
const LATENESS = 15_000_000;
/** A node that was not heard of for so long no longer holds the others up. */
const SILENT_AFTER = 5 * MINUTE;

/** Start of the earliest batch of late that is not worked through: what it says may still come. What came long ago holds nothing up. */
async function oldestOpen(client: pg.PoolClient, clusterId: number, now: Instant): Promise<Instant> {
  const { rows } = await client.query<{ at: Date | null }>(
    `SELECT min(coalesce(b.observed_from, b.received_at)) AS at
       FROM raw_batch b JOIN emitter e ON e.id = b.emitter_id
      WHERE b.finished_at IS NULL AND e.cluster_id = $1 AND b.received_at > $2 AND coalesce(b.observed_from, b.received_at) > $2`,
    [clusterId, formatInstant(now - SILENT_AFTER)],
  );
  return rows[0]?.at ? rows[0].at.getTime() * 1000 : Infinity;
}

const floor = (at: Instant) => Math.floor(at / MINUTE) * MINUTE;

/**
 * End of the last closed minute: every node that is alive was heard of in a later one, and what it sent has been correlated.
 * Whatever happens a minute is closed when it is over for SILENT_AFTER.
 */
export async function closedUntil(
  client: pg.PoolClient,
  clusterId: number,
  { last }: Seen,
  now: Instant,
): Promise<Instant> {
  const alive = [...last].filter(([node, at]) => node !== '' && at > now - SILENT_AFTER && at <= now);
  const heard = Math.min(...alive.map(([, at]) => at));
  const open = await oldestOpen(client, clusterId, now);
  const latest = floor(now - LATENESS);
  return Math.max(floor(now - SILENT_AFTER), Math.min(latest, heard, Number.isFinite(open) ? floor(open) : Infinity));
}
