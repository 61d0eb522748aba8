import { timingSafeEqual } from 'node:crypto';
import type { Writer } from '../audit/writer.js';
import type { Database } from '../database.js';
import { isRole, type Role, type TokenLimits } from './roles.js';
import { hashSecret, makeToken, parseToken } from './secret.js';

/** A token as it is listed: everything but its secret. */
export interface ApiToken extends TokenLimits {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** Absent while it is in use. */
  readonly revokedAt: Date | undefined;
  /** Absent: never. */
  readonly expiresAt: Date | undefined;
  /** To about a minute; absent when nobody used it yet. */
  readonly lastUsedAt: Date | undefined;
}

/** Who a request comes from. */
export interface Principal extends TokenLimits {
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
}

/** What is asked for when a token is made. */
export interface NewToken extends TokenLimits {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: Date | undefined;
}

/** Makes and stores a token. `text` is what its owner uses; it cannot be shown again. */
export async function createToken(
  db: Writer,
  token: NewToken,
): Promise<{ readonly id: string; readonly text: string }> {
  const { id, secret, text } = makeToken();
  const { name, role, cluster, node, namespaces = [], expiresAt } = token;
  await db.pool.query(
    `INSERT INTO api_token (id, name, role, secret_hash, cluster, node, namespaces, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, name, role, hashSecret(secret), cluster ?? null, node ?? null, [...namespaces], expiresAt ?? null],
  );
  return { id, text };
}

interface ListedRow extends LimitColumns {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

const LIST = `SELECT id, name, role, cluster, node, namespaces, created_at AS "createdAt", revoked_at AS "revokedAt",
       expires_at AS "expiresAt", last_used_at AS "lastUsedAt"
FROM api_token ORDER BY created_at DESC, id`;

/** All tokens, newest first, the revoked ones too. */
export async function listTokens(db: Writer): Promise<readonly ApiToken[]> {
  const { rows } = await db.pool.query<ListedRow>(LIST);
  return rows.flatMap(({ role, revokedAt, expiresAt, lastUsedAt, cluster, node, namespaces, ...row }) => {
    if (!isRole(role)) return [];
    const ends = {
      revokedAt: revokedAt ?? undefined,
      expiresAt: expiresAt ?? undefined,
      lastUsedAt: lastUsedAt ?? undefined,
    };
    return [{ ...row, role, ...ends, ...limitsOf({ cluster, node, namespaces }) }];
  });
}

interface LimitColumns {
  readonly cluster: string | null;
  readonly node: string | null;
  readonly namespaces: readonly string[] | null;
}

function limitsOf({ cluster, node, namespaces }: LimitColumns): TokenLimits {
  return {
    ...(cluster === null ? {} : { cluster }),
    ...(node === null ? {} : { node }),
    ...(namespaces === null || namespaces.length === 0 ? {} : { namespaces }),
  };
}

/** Takes a token out of use at once. False when there is no such token, or it was revoked before. */
export async function revokeToken(db: Writer, id: string): Promise<boolean> {
  const text = 'UPDATE api_token SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL';
  return (await db.pool.query(text, [id])).rowCount === 1;
}

// Asked on every request, so it goes through the pool as a prepared statement.
const AUTHENTICATE = {
  name: 'authenticate-token-limits',
  text: `SELECT id, name, role, cluster, node, namespaces, secret_hash,
       last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS "isNews"
FROM api_token WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
};

interface TokenRow extends LimitColumns {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly secret_hash: string;
  readonly isNews: boolean;
}

/**
 * Who presents this token; undefined when it is none of ours, mistyped, wrong, expired or revoked. Throws when Postgres is
 * away.
 */
export async function authenticate(db: Database, text: string): Promise<Principal | undefined> {
  const parsed = parseToken(text);
  if (!parsed) return undefined;
  const { rows } = await db.pool.query<TokenRow>({ ...AUTHENTICATE, values: [parsed.id] });
  const row = rows[0];
  if (!row || !isRole(row.role)) return undefined;
  if (!timingSafeEqual(Buffer.from(hashSecret(parsed.secret), 'hex'), Buffer.from(row.secret_hash, 'hex'))) {
    return undefined;
  }
  if (row.isNews) await noteUse(db, row.id);
  return { tokenId: row.id, name: row.name, role: row.role, ...limitsOf(row) };
}

/** Once a minute at most, whoever of several processes is first: a token in use costs no write per request. */
async function noteUse(db: Database, id: string): Promise<void> {
  const text = `UPDATE api_token SET last_used_at = now()
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`;
  await db.pool.query({ name: 'note-token-use', text, values: [id] });
}
