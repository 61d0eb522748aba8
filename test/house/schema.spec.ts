import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import pg from 'pg';

const ROOT = path.resolve(import.meta.dirname, '../..');

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

function tool(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const env = { ...process.env, DATABASE_URL: database.url };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

async function query(sql: string): Promise<void> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

describe('the migrated database', () => {
  it('is what libs/storage/schema.snapshot.sql says (node tools/schema-snapshot.mjs --write)', async () => {
    const { output } = await tool('tools/schema-snapshot.mjs');
    expect(output).toBe(readFileSync(path.join(ROOT, 'libs/storage/schema.snapshot.sql'), 'utf8'));
  });

  it('has every migration in the eyes of Prisma', async () => {
    expect(await tool('tools/schema-engine.mjs', 'status')).toEqual({ code: 0, output: 'in sync\n' });
  });

  it('does not differ from prisma/schema.prisma (node tools/schema-engine.mjs diff), and a difference would show', async () => {
    expect(await tool('tools/schema-engine.mjs', 'drift')).toEqual({ code: 0, output: 'no drift\n' });
    await query('ALTER TABLE cluster ADD COLUMN surplus int');
    const { code, output } = await tool('tools/schema-engine.mjs', 'drift');
    expect(output).toContain('DROP COLUMN "surplus"');
    expect(code).toBe(1);
    await query('ALTER TABLE cluster DROP COLUMN surplus');
  });
});
