import { randomBytes } from 'node:crypto';
import { AUDITED, createToken, inOneChange, openSecretBox } from '@whydrop/storage';
import { writerOf } from '../src/graphql/context.js';
import { RULES } from '../src/auth/rules.js';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

let db: OpenTestDatabase;
let api: RunningApi;
let admin: string;
const KEY = { WHYDROP_SECRET_KEY: randomBytes(32).toString('base64') };

beforeAll(async () => {
  db = await openTestDatabase();
  admin = (await createToken(db, { name: 'root', role: 'admin' })).text;
  await db.pool.query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no line can be written'; END $$`);
  const secrets = openSecretBox(KEY, () => '/nowhere');
  api = await openTestApi(db, { secrets });
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

interface Reply {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

async function ask(query: string): Promise<Reply> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Reply;
}

/** All that a change can change, but for when a token was used. */
async function everything(): Promise<string> {
  const parts = await Promise.all(
    [...Object.keys(AUDITED), 'audit_log'].map(async (table) => {
      const { rows } = await db.pool.query<{ row: string }>(
        `SELECT (to_jsonb(t) - 'last_used_at')::text AS row FROM ${table} t ORDER BY 1`,
      );
      return [table, ...rows.map(({ row }) => row)];
    }),
  );
  return JSON.stringify(parts);
}

/** Runs `work` while nothing can be written to the audit log: what a crash before its line would leave. */
async function withoutLog<T>(work: () => Promise<T>): Promise<T> {
  await db.pool.query('CREATE TRIGGER full_disk BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION full_disk()');
  try {
    return await work();
  } finally {
    await db.pool.query('DROP TRIGGER full_disk ON audit_log');
  }
}

const RULE = 'kind: THRESHOLD, threshold: 5, window: "10m"';
const one = async (sql: string) => Object.values((await db.pool.query<Record<string, string>>(sql)).rows[0] ?? {})[0];
const ruleId = () => one('SELECT id FROM alert_rule');
const silenceId = () => one('SELECT id FROM silence');
const deliveryId = () => one('SELECT id::text FROM alert_delivery');

/** Every mutation with what it is asked for, each on what those before it have made. */
const CHANGES: readonly (readonly [name: string, call: () => Promise<string> | string])[] = [
  ['createAlertRule', () => `(input: {name: "Many", ${RULE}})`],
  ['updateAlertRule', async () => `(id: "${await ruleId()}", input: {name: "More", ${RULE}})`],
  ['enableAlertRule', async () => `(id: "${await ruleId()}", enabled: false)`],
  ['deleteAlertRule', async () => `(id: "${await ruleId()}")`],
  ['createSilence', () => '(input: {matchers: [{name: "rule", value: "x"}], comment: "work", duration: "PT1H"})'],
  ['expireSilence', async () => `(id: "${await silenceId()}")`],
  [
    'createReceiver',
    () => '(input: {name: "hook", kind: SLACK, secrets: [{name: "url", value: "https://a.example/x"}]})',
  ],
  ['sendTestMessage', () => '(receiver: "hook")'],
  ['updateReceiver', () => '(name: "hook", input: {enabled: false})'],
  ['redeliver', async () => `(id: "${await deliveryId()}")`],
  ['deleteReceiver', () => '(name: "hook")'],
  ['createToken', () => '(input: {name: "team", role: VIEWER})'],
  ['revokeToken', async () => `(id: "${await one(`SELECT id FROM api_token WHERE name = 'team'`)}")`],
];

it('every mutation of the schema is tried here', () => {
  expect(CHANGES.map(([name]) => name).sort()).toEqual(Object.keys(RULES['Mutation'] ?? {}).sort());
});

it.each(CHANGES)('%s: the change and its line, or neither', async (name, call) => {
  // What is switched off is sent nothing again.
  if (name === 'redeliver') await db.pool.query('UPDATE receiver SET enabled = true');
  const query = `mutation { ${name}${await call()} { userErrors { path code message } } }`;
  const before = await everything();
  const failed = await withoutLog(() => ask(query));
  expect(failed).toMatchObject({ data: null, errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
  expect(await everything()).toBe(before);

  expect(await ask(query)).toEqual({ data: { [name]: { userErrors: [] } }, extensions: expect.anything() });
  const { rows } = await db.pool.query<{ action: string }>('SELECT action FROM audit_log ORDER BY id DESC LIMIT 1');
  expect([rows, (await everything()) === before]).toEqual([[{ action: name }], false]);
});

it.each([
  ['createAlertRule', `(input: {name: "Twice", ${RULE}})`],
  ['updateAlertRule', `(id: "id-other", input: {name: "Twice", ${RULE}})`],
])('%s that is refused in the middle leaves nothing', async (name, call) => {
  const spec = `'{}', 1, 'root'`;
  await db.pool.query(`INSERT INTO alert_rule (id, name, kind, source, enabled, spec, revision, updated_by)
    VALUES ('id-twice', 'Twice', 'THRESHOLD', 'api', true, ${spec}), ('id-other', 'Other', 'THRESHOLD', 'api', true, ${spec})
    ON CONFLICT DO NOTHING`);
  const before = await everything();
  const { data } = await ask(`mutation { ${name}${call} { userErrors { code } } }`);
  expect(data).toEqual({ [name]: { userErrors: [{ code: 'TAKEN' }] } });
  expect(await everything()).toBe(before);
});

it('of two mutations in one request each has its own transaction', async () => {
  const both = `mutation { a: createToken(input: {name: "first", role: VIEWER}) { userErrors { code } }
    b: revokeToken(id: "none") { userErrors { code } } }`;
  expect((await ask(both)).data).toEqual({ a: { userErrors: [] }, b: { userErrors: [{ code: 'NOT_FOUND' }] } });
  expect(await one(`SELECT count(*)::text FROM api_token WHERE name = 'first'`)).toBe('1');
});

it('nothing is changed outside of such a transaction', async () => {
  expect(() => writerOf({})).toThrow('the audit log would not have');
  const work = inOneChange(db, async (writer) => {
    await createToken(writer, { name: 'lost', role: 'viewer' });
    throw new Error('the process ends here');
  });
  await expect(work).rejects.toThrow('the process ends here');
  expect(await one(`SELECT count(*)::text FROM api_token WHERE name = 'lost'`)).toBe('0');
});
