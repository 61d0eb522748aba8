import { randomUUID } from 'node:crypto';
import type { AlertMessage } from '@whydrop/alerting';
import type { Database } from '../database.js';
import type { Words } from './receiver.store.js';

/** A delivery that is ours to send until the lease ends. */
export interface Claim {
  readonly id: bigint;
  readonly key: string;
  readonly message: AlertMessage;
  /** This one included. */
  readonly attempts: number;
  /** It was delivered before and is told again, because the receiver forgets. */
  readonly isRepeat: boolean;
  /** When it was delivered first; null before. */
  readonly deliveredAt: Date | null;
  readonly leaseToken: string;
}

/** A receiver that has something to send now. */
export interface DueReceiver {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly settings: Words;
  readonly secrets: Buffer | null;
  readonly secretKeyId: string | null;
  readonly failures: number;
}

const DUE = `
SELECT id, name, kind, settings, secrets, secret_key_id AS "secretKeyId", failures FROM receiver r
WHERE enabled AND (paused_until IS NULL OR paused_until <= now()) AND (
  EXISTS (SELECT FROM alert_delivery d WHERE d.receiver_id = r.id AND d.state = 'pending' AND d.next_attempt_at <= now()) OR
  EXISTS (SELECT FROM alert_delivery d WHERE d.receiver_id = r.id AND d.repeat_at <= now()))
ORDER BY id`;

export async function dueReceivers(db: Database): Promise<readonly DueReceiver[]> {
  return (await db.pool.query<DueReceiver>(DUE)).rows;
}

// Of one alert the oldest goes first, the next one waits until that was delivered or given up, and two are never under way.
const CLAIM = `
WITH due AS (
  SELECT d.id FROM alert_delivery d
  WHERE d.receiver_id = $1
    AND ((d.state = 'pending' AND d.next_attempt_at <= now()) OR d.repeat_at <= now())
    AND (d.lease_until IS NULL OR d.lease_until < now())
    AND NOT EXISTS (SELECT FROM alert_delivery e WHERE e.receiver_id = d.receiver_id AND e.alert_id = d.alert_id
                      AND ((e.sequence < d.sequence AND (e.state = 'pending' OR e.lease_until >= now()))
                        OR (e.sequence > d.sequence AND d.state <> 'pending' AND e.lease_until >= now())))
  ORDER BY d.state <> 'pending', d.next_attempt_at, d.id
  LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE alert_delivery d
SET lease_until = now() + make_interval(secs => $3), lease_token = $4,
    attempts = d.attempts + CASE WHEN d.state = 'pending' THEN 1 ELSE 0 END
FROM due WHERE d.id = due.id
RETURNING d.id, d.key, d.message, d.attempts, d.state <> 'pending' AS "isRepeat", d.finished_at AS "deliveredAt",
          d.lease_token AS "leaseToken"`;

/**
 * Takes up to `most` deliveries of a receiver. A lease that ended means that its worker died: somebody else takes the
 * delivery and sends it again, with the same key.
 */
export async function claimDeliveries(
  db: Database,
  receiverId: number,
  most: number,
  leaseSeconds: number,
): Promise<readonly Claim[]> {
  const { rows } = await db.pool.query<Claim>(CLAIM, [receiverId, most, leaseSeconds, randomUUID()]);
  return rows;
}
