import type { AlertMessage } from '@whydrop/alerting';
import type { Writer } from '../audit/writer.js';
import type { Database } from '../database.js';
import { enqueueDeliveries } from './enqueue.js';

const AGAIN = `
UPDATE alert_delivery SET state = 'pending', attempts = 0, next_attempt_at = now(), reason = NULL, finished_at = NULL, repeat_at = NULL,
       lease_until = NULL, lease_token = NULL
WHERE id = $1 AND state <> 'pending' AND EXISTS (SELECT FROM receiver r WHERE r.id = receiver_id AND r.enabled) RETURNING id`;

/** Sends a finished delivery again, with the same key. False when there is none, it waits to be sent anyway, or its receiver is off. */
export async function redeliver(db: Writer, id: string): Promise<boolean> {
  if (!/^\d{1,18}$/.test(id)) return false;
  const { rowCount } = await db.pool.query(AGAIN, [id]);
  return (rowCount ?? 0) > 0;
}

/** Puts one message into the outbox by itself: for tests of a receiver. The id of the delivery; undefined when there is no such receiver. */
export function enqueueAlone(db: Writer, message: AlertMessage, receiver: string): Promise<string | undefined> {
  return db.transaction(async (client) => {
    await enqueueDeliveries(client, message, [receiver]);
    const { rows } = await client.query<{ id: bigint }>(
      `SELECT d.id FROM alert_delivery d JOIN receiver r ON r.id = d.receiver_id
       WHERE r.name = $1 AND d.alert_id = $2 AND d.sequence = $3`,
      [receiver, message.alertId, message.sequence],
    );
    return rows[0] && String(rows[0].id);
  });
}

/** Deletes finished deliveries older than so many days, some at a time; how many. What is repeated or waits stays. */
export async function pruneDeliveries(db: Database, days: number, most = 5_000): Promise<number> {
  const { rowCount } = await db.pool.query(
    `DELETE FROM alert_delivery WHERE id IN (
       SELECT id FROM alert_delivery WHERE created_at < now() - make_interval(days => $1) AND state <> 'pending' AND repeat_at IS NULL
       ORDER BY created_at LIMIT $2)`,
    [days, most],
  );
  return rowCount ?? 0;
}
