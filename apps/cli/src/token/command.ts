import { parseArgs } from 'node:util';
import { createToken, type Database, isRole, listTokens, openDatabase, revokeToken, ROLES } from '@whydrop/storage';
import { dataHome } from '@whydrop/telemetry';
import { UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { readServerFile } from '../server/server-file.js';

const OPTIONS = { name: { type: 'string' }, role: { type: 'string' }, json: { type: 'boolean' } } as const;
type Words = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Tokens stand in the database: that of DATABASE_URL, or of the server that runs here. */
async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const url = process.env['DATABASE_URL'] ?? (await readServerFile())?.databaseUrl;
  if (url === undefined) {
    throw new UsageError(
      `no server runs here (${dataHome()}) and DATABASE_URL is not set: start one with 'whydrop up'`,
    );
  }
  const database = openDatabase(url, { max: 2 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function create({ name, role }: Words, io: Io): Promise<number> {
  if (name === undefined || role === undefined) throw new UsageError('give --name and --role');
  if (!isRole(role)) throw new UsageError(`--role ${role}: must be one of ${ROLES.join(', ')}`);
  const { id, text } = await withDatabase((database) => createToken(database, { name, role }));
  io.stdout(`${text}\n`);
  io.stderr(`token ${id} for '${name}' (${role}); it is shown this once\n`);
  return 0;
}

async function list({ json }: Words, io: Io): Promise<number> {
  for (const token of await withDatabase(listTokens)) {
    const state = token.revokedAt === undefined ? 'valid' : 'revoked';
    io.stdout(
      json === true
        ? `${JSON.stringify(token)}\n`
        : `${token.id}  ${token.role.padEnd(6)}  ${state.padEnd(7)}  ${token.name}\n`,
    );
  }
  return 0;
}

async function revoke(id: string | undefined, io: Io): Promise<number> {
  if (id === undefined) throw new UsageError('give the id of a token: whydrop token list shows them');
  const done = await withDatabase((database) => revokeToken(database, id));
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
