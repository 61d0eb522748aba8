import type { AlertMessage } from '@whydrop/alerting';
import type pg from 'pg';
import { messageKey } from './message-key.js';

export interface Enqueued {
  /** Deliveries that were written; those that were there before do not count. */
  readonly written: number;
  /** Names that no receiver has. They stop nothing: the alert's state changes all the same. */
  readonly unknown: readonly string[];
}

const INSERT = `
INSERT INTO alert_delivery (key, receiver_id, alert_id, sequence, status, message, state, reason, finished_at)
SELECT wanted.key, r.id, $3, $4, $5, $6::jsonb,
       CASE WHEN skipped.reason IS NULL THEN 'pending' ELSE 'skipped' END, skipped.reason,
       CASE WHEN skipped.reason IS NULL THEN NULL ELSE now() END
FROM unnest($1::text[], $2::text[]) AS wanted(name, key)
JOIN receiver r ON r.name = wanted.name
CROSS JOIN LATERAL (SELECT CASE WHEN NOT r.enabled THEN 'the receiver is switched off'
                                WHEN $5 = 'resolved' AND NOT r.send_resolved THEN 'the receiver wants no resolved alerts'
                           END AS reason) skipped
ON CONFLICT (receiver_id, alert_id, sequence) DO NOTHING`;

/** PostgreSQL keeps no NUL in a text. */
function withoutNul(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '') : value;
}

/**
 * Writes the message into the outbox, once for each receiver. To be called in the transaction that changes the alert's state:
 * either both are there or neither. The same message again changes nothing.
 */
export async function enqueueDeliveries(
  client: pg.PoolClient,
  message: AlertMessage,
  receiverNames: readonly string[],
): Promise<Enqueued> {
  const names = [...new Set(receiverNames)];
  if (names.length === 0) return { written: 0, unknown: [] };
  const { alertId, sequence, status } = message;
  const values = [names, names.map(() => messageKey()), alertId, sequence, status, JSON.stringify(message, withoutNul)];
  const { rowCount } = await client.query(INSERT, values);
  const { rows } = await client.query<{ name: string }>('SELECT name FROM receiver WHERE name = ANY($1)', [names]);
  const known = new Set(rows.map((row) => row.name));
  return { written: rowCount ?? 0, unknown: names.filter((name) => !known.has(name)) };
}
