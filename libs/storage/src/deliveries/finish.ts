import type pg from 'pg';
import type { Database } from '../database.js';
import type { Claim } from './claim.js';
import { SKIP_PENDING } from './receiver.store.js';

/** What one try came to. */
export interface Attempt {
  readonly startedAt: Date;
  readonly millis: number;
  readonly status: number | null;
  /** Begin of the answer's body. */
  readonly response: string | null;
  readonly error: string | null;
}

export type Verdict =
  /** Told; once more after so many seconds, where the receiver forgets. */
  | { readonly kind: 'delivered'; readonly repeatAfterSeconds: number | null }
  /** Not told; again after so many seconds. `pauseSeconds`: nothing at all to this receiver for so long. */
  | { readonly kind: 'retry'; readonly afterSeconds: number; readonly pauseSeconds: number | null }
  /** There is nothing to tell this receiver. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** Given up. `disable`: the receiver wants nothing any more. */
  | { readonly kind: 'dead'; readonly reason: string; readonly disable: boolean };

const LOG = `
INSERT INTO delivery_attempt (delivery_id, started_at, millis, outcome, status, response, error)
SELECT id, $2, $3, $4, $5, $6, $7 FROM alert_delivery WHERE id = $1`;

const MARK = `
UPDATE alert_delivery SET lease_until = NULL, lease_token = NULL, state = $3, reason = $4,
       finished_at = CASE WHEN $3 = 'pending' THEN NULL ELSE coalesce(finished_at, now()) END,
       next_attempt_at = CASE WHEN $3 = 'pending' THEN now() + make_interval(secs => $5) ELSE next_attempt_at END,
       repeat_at = now() + make_interval(secs => $6)
WHERE id = $1 AND lease_token = $2
RETURNING receiver_id AS "receiverId", alert_id AS "alertId", sequence`;

interface Marked {
  readonly receiverId: number;
  readonly alertId: string;
  readonly sequence: number;
}

/** Only the newest of an alert is repeated. */
const FORGET_OLDER = `
UPDATE alert_delivery SET repeat_at = NULL
WHERE receiver_id = $1 AND alert_id = $2 AND sequence < $3 AND repeat_at IS NOT NULL`;

const NEWER = `
UPDATE alert_delivery d SET repeat_at = NULL
WHERE id = $1 AND EXISTS (SELECT FROM alert_delivery e WHERE e.receiver_id = d.receiver_id AND e.alert_id = d.alert_id
                            AND e.sequence > d.sequence AND e.state = 'delivered')`;

function stateOf(verdict: Verdict, isRepeat: boolean): string {
  // A repetition that fails takes nothing back: it was told before.
  if (verdict.kind === 'delivered' || isRepeat) return 'delivered';
  return verdict.kind === 'retry' ? 'pending' : verdict.kind;
}

function repeatOf(verdict: Verdict, isRepeat: boolean): number | null {
  if (verdict.kind === 'delivered') return verdict.repeatAfterSeconds;
  return isRepeat && verdict.kind === 'retry' ? Math.min(verdict.afterSeconds, 60) : null;
}

async function mark(client: pg.PoolClient, claim: Claim, verdict: Verdict): Promise<Marked | undefined> {
  const state = stateOf(verdict, claim.isRepeat);
  const reason = 'reason' in verdict && !claim.isRepeat ? verdict.reason : null;
  const after = verdict.kind === 'retry' ? verdict.afterSeconds : 0;
  const values = [claim.id, claim.leaseToken, state, reason, after, repeatOf(verdict, claim.isRepeat)];
  return (await client.query<Marked>(MARK, values)).rows[0];
}

async function tellReceiver(client: pg.PoolClient, receiverId: number, verdict: Verdict): Promise<void> {
  if (verdict.kind === 'delivered') {
    await client.query(
      'UPDATE receiver SET failures = 0, paused_until = NULL WHERE id = $1 AND (failures > 0 OR paused_until IS NOT NULL)',
      [receiverId],
    );
  } else if (verdict.kind === 'retry') {
    const sql = `UPDATE receiver SET failures = failures + 1,
      paused_until = greatest(paused_until, now() + make_interval(secs => $2)) WHERE id = $1`;
    await client.query(sql, [receiverId, verdict.pauseSeconds]);
  } else if (verdict.kind === 'dead' && verdict.disable) {
    await client.query(`UPDATE receiver SET enabled = false, disabled_reason = $2, updated_at = now() WHERE id = $1`, [
      receiverId,
      verdict.reason,
    ]);
    await client.query(SKIP_PENDING, [receiverId, 'the receiver switched itself off']);
  }
}

/**
 * Writes what a try came to: log, state, and what it means for the receiver, in one transaction. False when the lease had ended
 * and somebody else holds the delivery: then only the log is written.
 */
export function finishDelivery(db: Database, claim: Claim, attempt: Attempt, verdict: Verdict): Promise<boolean> {
  return db.transaction(async (client) => {
    const { startedAt, millis, status, response, error } = attempt;
    await client.query(LOG, [claim.id, startedAt, millis, verdict.kind, status, response, error]);
    const marked = await mark(client, claim, verdict);
    if (!marked) return false;
    if (verdict.kind === 'delivered') {
      await client.query(FORGET_OLDER, [marked.receiverId, marked.alertId, marked.sequence]);
      if (verdict.repeatAfterSeconds !== null) await client.query(NEWER, [claim.id]);
    }
    await tellReceiver(client, marked.receiverId, verdict);
    return true;
  });
}

/** Lets go of deliveries that were claimed and not tried: a worker that stops. They count as not tried. */
export async function releaseClaims(db: Database, claims: readonly Claim[]): Promise<void> {
  await db.pool.query(
    `UPDATE alert_delivery SET lease_until = NULL, lease_token = NULL,
            attempts = attempts - CASE WHEN state = 'pending' THEN 1 ELSE 0 END
     WHERE id = ANY($1::int8[]) AND lease_token = ANY($2)`,
    [claims.map(({ id }) => id), claims.map(({ leaseToken }) => leaseToken)],
  );
}
