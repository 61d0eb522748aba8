import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import pg from 'pg';
import { migrate, MigrationError } from './migrate.js';

let database: TestDatabase;
let directory: string;

beforeEach(async () => {
  database = await testDatabase({ empty: true });
  directory = mkdtempSync(path.join(tmpdir(), 'whydrop-migrations-'));
});

afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await database.drop();
});

function write(name: string, sql: string): void {
  mkdirSync(path.join(directory, name), { recursive: true });
  writeFileSync(path.join(directory, name, 'migration.sql'), sql);
}

async function query(sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const up = () => migrate(database.url, directory);

describe('migrate', () => {
  it('applies what is missing, in the order of the names, and nothing twice', async () => {
    write('2_second', 'ALTER TABLE a ADD COLUMN y int;');
    write('1_first', 'CREATE TABLE a (x int);\nCREATE TABLE b (x int);');
    writeFileSync(path.join(directory, 'migration_lock.toml'), 'provider = "postgresql"');
    expect(await up()).toEqual({ applied: ['1_first', '2_second'], unknown: [] });
    expect(await up()).toEqual({ applied: [], unknown: [] });
    write('3_third', 'CREATE TABLE c ();');
    expect(await up()).toEqual({ applied: ['3_third'], unknown: [] });
  });

  it('keeps the books of Prisma', async () => {
    write('1_first', 'CREATE TABLE a (x int);');
    await up();
    const rows = await query(
      `SELECT length(id) AS id, checksum, migration_name, finished_at >= started_at AS finished, logs, rolled_back_at, applied_steps_count FROM _prisma_migrations`,
    );
    expect(rows).toEqual([
      {
        id: 36,
        // printf 'CREATE TABLE a (x int);' | sha256sum
        checksum: '7d07418dd6e81578e9226978cba7b3c356efcc91fd7c9e06cf1b8f1cc4ce5f35',
        migration_name: '1_first',
        finished: true,
        logs: null,
        rolled_back_at: null,
        applied_steps_count: 1,
      },
    ]);
  });

  it('applies once when several start at once', async () => {
    write('1_first', 'SELECT pg_sleep(0.2); CREATE TABLE a (x int);');
    const results = await Promise.all([up(), up(), up(), up()]);
    expect(results.flatMap((result) => result.applied)).toEqual(['1_first']);
    expect(await query('SELECT count(*)::int AS n FROM _prisma_migrations')).toEqual([{ n: 1 }]);
  });

  it('refuses a file that was edited after it was applied', async () => {
    write('1_first', 'CREATE TABLE a (x int);');
    await up();
    write('1_first', 'CREATE TABLE a (x bigint);');
    write('2_second', 'CREATE TABLE b (x int);');
    await expect(up()).rejects.toThrow('migration 1_first was edited after it was applied');
    expect(await query(`SELECT to_regclass('b') AS b`)).toEqual([{ b: null }]);
  });

  it('a failing file leaves nothing but its error, and stops what follows until it is repaired', async () => {
    write('1_first', 'CREATE TABLE a (x int);');
    write('2_second', 'CREATE TABLE b (x int);\nINSERT INTO nowhere VALUES (1);');
    write('3_third', 'CREATE TABLE c (x int);');
    await expect(up()).rejects.toThrow('migration 2_second failed: relation "nowhere" does not exist');
    expect(
      await query(`SELECT to_regclass('a') IS NOT NULL AS a, to_regclass('b') AS b, to_regclass('c') AS c`),
    ).toEqual([{ a: true, b: null, c: null }]);
    expect(await query(`SELECT logs FROM _prisma_migrations WHERE finished_at IS NULL`)).toEqual([
      { logs: 'relation "nowhere" does not exist' },
    ]);
    write('2_second', 'CREATE TABLE b (x int);');
    await expect(up()).rejects.toThrow(MigrationError);
    await query(`UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL`);
    expect(await up()).toMatchObject({ applied: ['2_second', '3_third'] });
  });

  it('names what a newer version left in the database', async () => {
    write('1_first', 'CREATE TABLE a (x int);');
    write('2_second', 'CREATE TABLE b (x int);');
    await up();
    rmSync(path.join(directory, '2_second'), { recursive: true });
    expect(await up()).toEqual({ applied: [], unknown: ['2_second'] });
  });
});
