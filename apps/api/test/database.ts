import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { openDatabase, type Database } from '@whydrop/storage';

const SERVER = process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:54999/postgres';
const MIGRATIONS = path.resolve(import.meta.dirname, '../../../prisma/migrations');

export interface TestDatabase extends Database {
  readonly url: string;
  drop(): Promise<void>;
}

async function onServer(sql: string, url = SERVER): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A migrated database of its own for one test file. */
export async function testDatabase(): Promise<TestDatabase> {
  const name = `api_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name}`);
  const url = Object.assign(new URL(SERVER), { pathname: `/${name}` }).href;
  const files = readdirSync(MIGRATIONS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const file of files.map((entry) => entry.name).sort()) {
    await onServer(readFileSync(path.join(MIGRATIONS, file, 'migration.sql'), 'utf8'), url);
  }
  const database = openDatabase(url);
  const drop = async () => {
    await database.close();
    await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
  };
  return { ...database, url, drop };
}
