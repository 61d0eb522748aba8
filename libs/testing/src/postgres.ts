import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate, startEmbeddedPostgres } from '@whydrop/storage';
import pg from 'pg';

export interface TestDatabase {
  readonly url: string;
  /** Ends every session and removes the database. */
  readonly drop: () => Promise<void>;
}

/** Beside the sources, also for what was built from them into dist. */
const ROOT = path.resolve(import.meta.dirname.replace(/\bdist\b.*$/, 'libs/testing/src'), '../../..');
const MIGRATIONS = path.join(ROOT, 'prisma', 'migrations');

interface Server {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The server of the whole test run, or one of DATABASE_URL, or (a single file run by hand) one of our own. */
async function server(): Promise<Server> {
  const url = process.env['WHYDROP_TEST_DATABASE_URL'] ?? process.env['DATABASE_URL'];
  if (url !== undefined) return { url, stop: () => Promise.resolve() };
  const dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));
  return startEmbeddedPostgres({ dataDir, ephemeral: true, unsafeFast: true });
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/**
 * A database of its own for one test file, migrated unless it is to be `empty`. `drop` belongs into afterAll.
 * Within `npm test` it is a copy of a template that was migrated once, which takes some 30 ms.
 */
export async function testDatabase(options: { readonly empty?: boolean } = {}): Promise<TestDatabase> {
  const { url: serverUrl, stop } = await server();
  const name = `whydrop_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  const template = options.empty ? undefined : process.env['WHYDROP_TEST_TEMPLATE'];
  await onServer(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template ?? 'template0'}`);
  if (!options.empty && template === undefined) await migrate(url, MIGRATIONS);
  const drop = async () => {
    await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await stop();
  };
  return { url, drop };
}
