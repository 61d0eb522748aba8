import { parseArgs } from 'node:util';
import {
  type ApiToken,
  auditedRow,
  createToken,
  type Database,
  inOneChange,
  listTokens,
  openDatabase,
  recordChange,
  revokeToken,
  type Writer,
} from '@whydrop/storage';
import { dataHome } from '@whydrop/telemetry';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { databaseUrlOf, onDatabase } from '../server/database-fault.js';
import { readServerFile } from '../server/server-file.js';
import { newTokenOf } from './limits.js';

const TEXT = { type: 'string' } as const;
/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = {
  name: TEXT,
  role: TEXT,
  cluster: TEXT,
  node: TEXT,
  namespace: TEXT,
  expires: TEXT,
  json: { type: 'boolean' },
} as const;
type Words = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Tokens stand in the database: that of DATABASE_URL, or of the server that runs here. */
async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const url = databaseUrlOf(process.env) ?? (await readServerFile())?.databaseUrl;
  if (url === undefined) {
    throw new UsageError(
      `no server runs here (${dataHome()}) and DATABASE_URL is not set: start one with 'whydrop up'`,
    );
  }
  const database = openDatabase(url, { max: 2 });
  try {
    return await onDatabase(url, () => work(database));
  } finally {
    await database.close();
  }
}

/** A change with its line in the audit log: both or neither. */
const withChange = <T>(work: (writer: Writer) => Promise<T>): Promise<T> =>
  withDatabase((database) => inOneChange(database, work));

async function create(words: Words, io: Io): Promise<number> {
  const token = newTokenOf(words, Date.now());
  const { id, text } = await withChange(async (writer) => {
    const made = await createToken(writer, token);
    await record(writer, 'token create', made.id, undefined);
    return made;
  });
  io.stdout(`${text}\n`);
  io.stderr(`token ${id} for '${token.name}' (${token.role}${limitText(token)}); it is shown this once\n`);
  return 0;
}

/** Whoever reaches the database may do everything; the system's name of them is what is known. */
async function record(writer: Writer, action: string, key: string, before: object | undefined): Promise<void> {
  const after = await auditedRow(writer, 'api_token', key);
  const who = {
    actor: `command line: ${process.env['USER'] ?? process.getuid?.() ?? 'unknown'}`,
    tokenId: undefined,
    role: 'admin',
  };
  await recordChange(writer, { ...who, action, table: 'api_token', key, before, after });
}

function limitText({ cluster, node, namespaces, expiresAt }: Partial<ApiToken>): string {
  const parts = [
    cluster === undefined ? '' : `cluster ${cluster}`,
    node === undefined ? '' : `node ${node}`,
    namespaces === undefined ? '' : `namespaces ${namespaces.join(',')}`,
    expiresAt === undefined ? '' : `until ${expiresAt.toISOString()}`,
  ];
  return parts.flatMap((part) => (part === '' ? [] : [`, ${part}`])).join('');
}

function stateOf({ revokedAt, expiresAt }: ApiToken): string {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt.getTime() <= Date.now() ? 'expired' : 'valid';
}

async function list({ json }: Words, io: Io): Promise<number> {
  for (const token of await withDatabase(listTokens)) {
    io.stdout(
      json === true
        ? `${JSON.stringify(token)}\n`
        : `${token.id}  ${token.role.padEnd(9)}  ${stateOf(token).padEnd(7)}  ${token.name}${limitText(token)}\n`,
    );
  }
  return 0;
}

async function revoke(id: string | undefined, io: Io): Promise<number> {
  if (id === undefined) throw new UsageError('give the id of a token: whydrop token list shows them');
  const done = await withChange(async (writer) => {
    const before = await auditedRow(writer, 'api_token', id);
    const revoked = await revokeToken(writer, id);
    if (revoked) await record(writer, 'token revoke', id, before);
    return revoked;
  });
  io.stderr(done ? `token ${id} is revoked\n` : `no valid token has the id ${id}\n`);
  return done ? 0 : 1;
}

/** `whydrop token create|list|revoke` */
export async function runToken(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const [action, id, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`'${rest[0]}' is one word too many`);
  if (action === 'create') return create(values, io);
  if (action === 'list') return list(values, io);
  if (action === 'revoke') return revoke(id, io);
  throw new UsageError('give create, list or revoke');
}
