import { openDatabase, type Database } from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';
import { runToken } from './command.js';

let db: Database;
let drop: () => Promise<void>;
const before = process.env['DATABASE_URL'];

beforeAll(async () => {
  const test = await testDatabase();
  db = openDatabase(test.url);
  drop = () => test.drop();
  process.env['DATABASE_URL'] = test.url;
});

afterAll(async () => {
  if (before === undefined) delete process.env['DATABASE_URL'];
  else process.env['DATABASE_URL'] = before;
  await db.close();
  await drop();
});

async function run(...args: string[]): Promise<{ readonly code: number; readonly told: string }> {
  let told = '';
  const keep = (text: string) => void (told += text);
  return { code: await runToken(args, { stdout: keep, stderr: keep, interactive: false }), told };
}

async function stored() {
  const tokens = await db.pool.query<{ name: string; gone: boolean }>(
    'SELECT name, revoked_at IS NOT NULL AS gone FROM api_token ORDER BY name',
  );
  const lines = await db.pool.query<{ action: string }>('SELECT action FROM audit_log ORDER BY id');
  return [
    tokens.rows.map(({ name, gone }) => (gone ? `${name} revoked` : name)),
    lines.rows.map(({ action }) => action),
  ];
}

it('a token is made and revoked with a line of the audit log each, or not at all', async () => {
  const made = await run('create', '--name', 'grafana', '--role', 'viewer');
  const id = made.told.split('_')[1] ?? '';
  expect(made).toMatchObject({ code: 0, told: expect.stringMatching(/^whd_/) });
  expect(await stored()).toEqual([['grafana'], ['token create']]);

  await db.pool.query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no line can be written'; END $$`);
  await db.pool.query('CREATE TRIGGER full_disk BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION full_disk()');
  await expect(run('create', '--name', 'other', '--role', 'viewer')).rejects.toThrow('no line can be written');
  await expect(run('revoke', id)).rejects.toThrow('no line can be written');
  expect(await stored()).toEqual([['grafana'], ['token create']]);

  await db.pool.query('DROP TRIGGER full_disk ON audit_log');
  expect((await run('revoke', id)).code).toBe(0);
  expect((await run('revoke', id)).code).toBe(1);
  expect(await stored()).toEqual([['grafana revoked'], ['token create', 'token revoke']]);
});
