import type { Writer } from '../audit/writer.js';
import type { SecretBox } from './secret-box.js';

export type Words = Readonly<Record<string, string>>;

/** A receiver as it is shown: everything but its secrets. */
export interface ReceiverRow {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly settings: Words;
  /** Names of the secrets that are set are not stored in the open: only whether there are some. */
  readonly hasSecrets: boolean;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly sendResolved: boolean;
  readonly failures: number;
  readonly pausedUntil: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewReceiver {
  readonly name: string;
  readonly kind: string;
  readonly settings: Words;
  readonly secrets: Words;
  readonly enabled: boolean;
  readonly sendResolved: boolean;
}

/** Absent parts stay as they are; `secrets` replaces all of them. */
export type ReceiverChange = Partial<Omit<NewReceiver, 'name' | 'kind'>>;

const COLUMNS = `id, name, kind, settings, secrets IS NOT NULL AS "hasSecrets", enabled, disabled_reason AS "disabledReason",
  send_resolved AS "sendResolved", failures, paused_until AS "pausedUntil", created_at AS "createdAt", updated_at AS "updatedAt"`;

// Secrets open for the receiver of that name only: nobody can put the sealed bytes of one into another.
const contextOf = (name: string) => `receiver ${name}`;

function sealAll(box: SecretBox, name: string, secrets: Words) {
  if (Object.keys(secrets).length === 0) return { bytes: null, keyId: null };
  return box.seal(JSON.stringify(secrets), contextOf(name));
}

export function openSecrets(box: SecretBox, name: string, bytes: Buffer | null, keyId: string | null): Words {
  return bytes === null || keyId === null ? {} : (JSON.parse(box.open({ bytes, keyId }, contextOf(name))) as Words);
}

/** All receivers, by name. */
export async function listReceivers(db: Writer): Promise<readonly ReceiverRow[]> {
  return (await db.pool.query<ReceiverRow>(`SELECT ${COLUMNS} FROM receiver ORDER BY name`)).rows;
}

export async function findReceiver(db: Writer, name: string): Promise<ReceiverRow | undefined> {
  return (await db.pool.query<ReceiverRow>(`SELECT ${COLUMNS} FROM receiver WHERE name = $1`, [name])).rows[0];
}

/** The secrets of a receiver; none when there is no such receiver. Not for showing. */
export async function secretsOf(db: Writer, box: SecretBox, name: string): Promise<Words> {
  const { rows } = await db.pool.query<{ secrets: Buffer | null; key: string | null }>(
    'SELECT secrets, secret_key_id AS key FROM receiver WHERE name = $1',
    [name],
  );
  return openSecrets(box, name, rows[0]?.secrets ?? null, rows[0]?.key ?? null);
}

/** Undefined when the name is taken. */
export async function createReceiver(
  db: Writer,
  box: SecretBox,
  receiver: NewReceiver,
): Promise<ReceiverRow | undefined> {
  const { name, kind, settings, enabled, sendResolved } = receiver;
  const { bytes, keyId } = sealAll(box, name, receiver.secrets);
  const { rows } = await db.pool.query<ReceiverRow>(
    `INSERT INTO receiver (name, kind, settings, secrets, secret_key_id, enabled, send_resolved)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING RETURNING ${COLUMNS}`,
    [name, kind, JSON.stringify(settings), bytes, keyId, enabled, sendResolved],
  );
  return rows[0];
}

/** Undefined when there is no such receiver. A change ends a pause; switching off skips what waits. */
export async function updateReceiver(
  db: Writer,
  box: SecretBox,
  name: string,
  change: ReceiverChange,
): Promise<ReceiverRow | undefined> {
  const sealed = change.secrets && sealAll(box, name, change.secrets);
  return db.transaction(async (client) => {
    const { rows } = await client.query<ReceiverRow>(
      `UPDATE receiver SET settings = coalesce($2::jsonb, settings), enabled = coalesce($3, enabled),
              send_resolved = coalesce($4, send_resolved), secrets = CASE WHEN $5 THEN $6 ELSE secrets END,
              secret_key_id = CASE WHEN $5 THEN $7 ELSE secret_key_id END, failures = 0, paused_until = NULL,
              disabled_reason = CASE WHEN coalesce($3, enabled) THEN NULL ELSE disabled_reason END, updated_at = now()
       WHERE name = $1 RETURNING ${COLUMNS}`,
      [
        name,
        change.settings ? JSON.stringify(change.settings) : null,
        change.enabled ?? null,
        change.sendResolved ?? null,
        sealed !== undefined,
        sealed?.bytes ?? null,
        sealed?.keyId ?? null,
      ],
    );
    const row = rows[0];
    if (row && !row.enabled) await client.query(SKIP_PENDING, [row.id, 'the receiver was switched off']);
    return row;
  });
}

/** What waits for a receiver that is off is not told late, when nobody wants to know any more. */
export const SKIP_PENDING = `
UPDATE alert_delivery SET state = 'skipped', reason = $2, finished_at = now(), lease_until = NULL, lease_token = NULL
WHERE receiver_id = $1 AND state = 'pending'`;

/** Removes the receiver with its deliveries. False when there is none of that name. */
export async function deleteReceiver(db: Writer, name: string): Promise<boolean> {
  return ((await db.pool.query('DELETE FROM receiver WHERE name = $1', [name])).rowCount ?? 0) > 0;
}
