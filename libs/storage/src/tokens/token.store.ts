import { timingSafeEqual } from 'node:crypto';
import type { Database } from '../database.js';
import { hashSecret, makeToken, parseToken } from './secret.js';

/** `ingest` may ship batches, `viewer` may read, `admin` may do both. */
export const ROLES = ['ingest', 'viewer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** A token as it is listed: everything but its secret. */
export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** Absent while it is in use. */
  readonly revokedAt: Date | undefined;
}

/** Who a request comes from. */
export interface Principal {
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** Makes and stores a token. `text` is what its owner uses; it cannot be shown again. */
export async function createToken(
  db: Database,
  token: { readonly name: string; readonly role: Role },
): Promise<{ readonly id: string; readonly text: string }> {
  const { id, secret, text } = makeToken();
  await db.prisma.apiToken.create({ data: { id, ...token, secretHash: hashSecret(secret) } });
  return { id, text };
}

/** All tokens, newest first, the revoked ones too. */
export async function listTokens(db: Database): Promise<readonly ApiToken[]> {
  const rows = await db.prisma.apiToken.findMany({
    omit: { secretHash: true },
    orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
  });
  return rows.flatMap((row) =>
    isRole(row.role) ? [{ ...row, role: row.role, revokedAt: row.revokedAt ?? undefined }] : [],
  );
}

/** Takes a token out of use at once. False when there is no such token, or it was revoked before. */
export async function revokeToken(db: Database, id: string): Promise<boolean> {
  const { count } = await db.prisma.apiToken.updateMany({
    where: { id, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  return count > 0;
}

// Asked on every request, so it goes through the pool as a prepared statement.
const AUTHENTICATE = {
  name: 'authenticate-token',
  text: 'SELECT id, name, role, secret_hash FROM api_token WHERE id = $1 AND revoked_at IS NULL',
};

/** Who presents this token; undefined when it is none of ours, mistyped, wrong or revoked. Throws when Postgres is away. */
export async function authenticate(db: Database, text: string): Promise<Principal | undefined> {
  const parsed = parseToken(text);
  if (!parsed) return undefined;
  const { rows } = await db.pool.query<{ id: string; name: string; role: string; secret_hash: string }>({
    ...AUTHENTICATE,
    values: [parsed.id],
  });
  const row = rows[0];
  if (!row || !isRole(row.role)) return undefined;
  const same = timingSafeEqual(Buffer.from(hashSecret(parsed.secret), 'hex'), Buffer.from(row.secret_hash, 'hex'));
  return same ? { tokenId: row.id, name: row.name, role: row.role } : undefined;
}
