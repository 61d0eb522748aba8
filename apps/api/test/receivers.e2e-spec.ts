import { randomBytes } from 'node:crypto';
import { createToken, enqueueDeliveries, openSecretBox, secretBox, secretsOf } from '@whydrop/storage';
import { RECEIVERS } from '@whydrop/notify';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BOX = secretBox([randomBytes(32)]);

let database: OpenTestDatabase;
let api: RunningApi;
let admin: string;
let viewer: string;

beforeAll(async () => {
  database = await openTestDatabase();
  api = await openTestApi(database, { secrets: BOX });
  admin = (await createToken(database, { name: 'ada', role: 'admin' })).text;
  viewer = (await createToken(database, { name: 'vic', role: 'viewer' })).text;
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

interface Answer {
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

async function ask(query: string, variables: object = {}, token = admin): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  });
  const text = await answer.text();
  for (const secret of [SECRET.slice(6), 'hunter2']) expect(text).not.toContain(secret);
  return JSON.parse(text) as Answer;
}

const RECEIVER = 'name kind settings { name value } hasSecrets enabled sendResolved failures disabledReason';
const ERRORS = 'userErrors { path code message }';
const CREATE = `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) { receiver { ${RECEIVER} } ${ERRORS} } }`;
const UPDATE = `mutation ($name: String!, $input: UpdateReceiverInput!) {
  updateReceiver(name: $name, input: $input) { receiver { ${RECEIVER} } ${ERRORS} } }`;

const HOOK = {
  name: 'hook',
  kind: 'WEBHOOK',
  settings: [{ name: 'url', value: 'https://receiver.example/in' }],
  secrets: [{ name: 'secret', value: SECRET }],
};

it('a receiver is made, shown without its secrets, and its name is taken', async () => {
  const { data } = await ask(CREATE, { input: HOOK });
  const receiver = {
    name: 'hook',
    kind: 'WEBHOOK',
    settings: HOOK.settings,
    hasSecrets: true,
    enabled: true,
    sendResolved: true,
  };
  expect(data['createReceiver']).toMatchObject({ receiver, userErrors: [] });
  expect(await secretsOf(database, BOX, 'hook')).toEqual({ secret: SECRET });
  const again = await ask(CREATE, { input: HOOK });
  expect(again.data['createReceiver']).toMatchObject({
    receiver: null,
    userErrors: [{ path: ['input', 'name'], code: 'TAKEN', message: "there is a receiver 'hook' already" }],
  });
});

it('the database holds no secret in the open', async () => {
  const { rows } = await database.pool.query<{ all: string }>(`SELECT receiver::text AS all FROM receiver`);
  expect(JSON.stringify(rows)).not.toContain(SECRET.slice(6));
  expect(JSON.stringify(rows)).not.toContain(Buffer.from(SECRET).toString('hex'));
});

it.each([
  [{ name: 'a b' }, 'input.name', 'must be letters'],
  [{ settings: [] }, 'input.settings.url', 'is needed: where it is posted'],
  [{ settings: [{ name: 'url', value: 'nonsense' }] }, 'input.settings.url', 'is not an absolute URL'],
  [
    { settings: [{ name: 'url', value: 'https://ada:hunter3@x.example/' }] },
    'input.settings.url',
    'no user and no password',
  ],
  [{ settings: [{ name: 'url', value: 'ftp://x.example/' }] }, 'input.settings.url', 'must begin with https://'],
  [
    { settings: [...HOOK.settings, { name: 'colour', value: 'red' }] },
    'input.settings.colour',
    'webhook has no such setting; it has: url, format',
  ],
  [{ settings: [...HOOK.settings, ...HOOK.settings] }, 'input.settings.url', 'is given twice'],
  [{ secrets: [] }, 'input.secrets.secret', 'is needed'],
  [{ secrets: [{ name: 'secret', value: 'abc' }] }, 'input.secrets.secret', 'must be whsec_'],
  [
    { kind: 'PAGERDUTY', settings: [], secrets: [{ name: 'routingKey', value: 'x' }] },
    'input.secrets.routingKey',
    'must be 32 letters',
  ],
])('refuses %j', async (change, path, message) => {
  const { data } = await ask(CREATE, { input: { ...HOOK, name: 'other', ...change } });
  const { receiver, userErrors } = data['createReceiver'] as {
    receiver: unknown;
    userErrors: { path: string[]; message: string }[];
  };
  expect(receiver).toBeNull();
  expect(userErrors.map((error) => `${error.path.join('.')}: ${error.message}`).join('\n')).toContain(`${path}: `);
  expect(userErrors.map((error) => error.message).join('\n')).toContain(message);
});

it('a change keeps what it does not name; secrets are replaced as a whole', async () => {
  const off = await ask(UPDATE, { name: 'hook', input: { sendResolved: false } });
  expect(off.data['updateReceiver']).toMatchObject({
    receiver: { sendResolved: false, settings: HOOK.settings },
    userErrors: [],
  });
  expect(await secretsOf(database, BOX, 'hook')).toEqual({ secret: SECRET });
  const secrets = [...HOOK.secrets, { name: 'bearerToken', value: 'hunter2' }];
  await ask(UPDATE, { name: 'hook', input: { secrets, sendResolved: true } });
  expect(await secretsOf(database, BOX, 'hook')).toEqual({ secret: SECRET, bearerToken: 'hunter2' });
  const bad = await ask(UPDATE, { name: 'hook', input: { secrets: [{ name: 'bearerToken', value: 'hunter2' }] } });
  expect(bad.data['updateReceiver']).toMatchObject({
    receiver: null,
    userErrors: [{ path: ['input', 'secrets', 'secret'] }],
  });
  const nobody = await ask(UPDATE, { name: 'nobody', input: {} });
  expect(nobody.data['updateReceiver']).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
});

describe('who may only read', () => {
  it.each([
    ['createReceiver', CREATE, { input: { ...HOOK, name: 'mine' } }],
    ['updateReceiver', UPDATE, { name: 'hook', input: { enabled: false } }],
    ['deleteReceiver', 'mutation { deleteReceiver(name: "hook") { deleted } }', {}],
    ['sendTestMessage', 'mutation { sendTestMessage(receiver: "hook") { delivery { id } } }', {}],
    ['redeliver', 'mutation { redeliver(id: "1") { delivery { id } } }', {}],
  ])('may not %s', async (_name, query, variables) => {
    const { errors } = await ask(query, variables, viewer);
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await ask('{ receivers { name enabled } }')).data['receivers']).toEqual([{ name: 'hook', enabled: true }]);
  });

  it('sees receivers without their settings', async () => {
    const { data } = await ask(
      `{ receivers { name kind settings { name } } receiver(name: "hook") { settings { value } } }`,
      {},
      viewer,
    );
    expect(data).toEqual({
      receivers: [{ name: 'hook', kind: 'WEBHOOK', settings: null }],
      receiver: { settings: null },
    });
  });
});

const DELIVERY =
  'id key receiver alertId sequence status summary state attempts reason nextAttemptAt finishedAt log { outcome status response error millis }';

it('a test message is written for the worker, and can be looked after by its id', async () => {
  const { data } = await ask(`mutation { sendTestMessage(receiver: "hook") { delivery { ${DELIVERY} } ${ERRORS} } }`);
  const { delivery } = data['sendTestMessage'] as { delivery: { id: string } };
  expect(delivery).toMatchObject({
    receiver: 'hook',
    status: 'TEST',
    state: 'PENDING',
    attempts: 0,
    finishedAt: null,
    log: [],
  });
  await database.pool.query(
    `INSERT INTO delivery_attempt (delivery_id, started_at, millis, outcome, status, response, error) VALUES ($1, now(), 12, 'dead', 400, 'go away', 'answered 400')`,
    [delivery.id],
  );
  await database.pool.query(`UPDATE alert_delivery SET state = 'dead', finished_at = now(), attempts = 1`);
  const query = `query ($id: ID!) { delivery(id: $id) { state nextAttemptAt log { outcome status response error millis } } }`;
  const log = { outcome: 'DEAD', status: 400, response: 'go away', error: 'answered 400', millis: 12 };
  expect((await ask(query, delivery)).data['delivery']).toEqual({ state: 'DEAD', nextAttemptAt: null, log: [log] });
  expect((await ask(query, delivery, viewer)).data['delivery']).toMatchObject({ log: [{ ...log, response: null }] });

  const again = `mutation ($id: ID!) { redeliver(id: $id) { delivery { id state attempts } ${ERRORS} } }`;
  expect((await ask(again, delivery)).data['redeliver']).toEqual({
    delivery: { id: delivery.id, state: 'PENDING', attempts: 0 },
    userErrors: [],
  });
  expect((await ask(again, delivery)).data['redeliver']).toMatchObject({
    delivery: null,
    userErrors: [{ code: 'CONFLICT' }],
  });
  for (const id of ['999', 'x', '']) {
    expect((await ask(again, { id })).data['redeliver']).toMatchObject({
      delivery: null,
      userErrors: [{ code: 'NOT_FOUND' }],
    });
  }
  const nobody = await ask(`mutation { sendTestMessage(receiver: "nobody") { delivery { id } ${ERRORS} } }`);
  expect(nobody.data['sendTestMessage']).toMatchObject({
    delivery: null,
    userErrors: [{ code: 'NOT_FOUND', path: ['receiver'] }],
  });
});

it('deliveries are listed by alert, receiver and state, page by page, the newest first', async () => {
  const { rows } = await database.pool.query<{ message: never }>('SELECT message FROM alert_delivery LIMIT 1');
  for (let sequence = 1; sequence <= 5; sequence++) {
    const message = Object.assign({}, rows[0]?.message, { alertId: 'al_1', sequence, status: 'firing' });
    await database.transaction((client) => enqueueDeliveries(client, message, ['hook']));
  }
  const list = `query ($filter: DeliveryFilter!, $after: String) {
    deliveries(filter: $filter, first: 2, after: $after) { nodes { sequence } totalCount pageInfo { hasNextPage endCursor } } }`;
  const seen: number[] = [];
  let after: string | null = null;
  do {
    const answer: Answer = await ask(list, { filter: { alertId: 'al_1', receiver: 'hook' }, after }, viewer);
    const page = answer.data['deliveries'] as {
      nodes: { sequence: number }[];
      totalCount: number;
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
    expect(page.totalCount).toBe(5);
    seen.push(...page.nodes.map(({ sequence }) => sequence));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  expect(seen).toEqual([5, 4, 3, 2, 1]);
  const count = async (filter: object) =>
    ((await ask(list, { filter })).data['deliveries'] as { totalCount: number }).totalCount;
  expect(await count({})).toBe(6);
  expect(await count({ states: ['DEAD'] })).toBe(0);
  expect(await count({ states: ['PENDING', 'DEAD'], timeRange: { last: 'PT1H' } })).toBe(6);
  expect(await count({ receiver: 'nobody' })).toBe(0);
  expect(await count({ not: { alertId: { eq: 'al_1' } } })).toBe(1);
  expect(await count({ receiver: 'hook', or: [{ alertId: { eq: 'al_1' } }, { state: { eq: 'DEAD' } }] })).toBe(5);
});

it('a receiver that is switched off takes no test; removed, it is gone with its deliveries', async () => {
  await ask(UPDATE, { name: 'hook', input: { enabled: false } });
  const test = await ask(`mutation { sendTestMessage(receiver: "hook") { delivery { id } ${ERRORS} } }`);
  expect(test.data['sendTestMessage']).toMatchObject({ delivery: null, userErrors: [{ code: 'CONFLICT' }] });
  const remove = `mutation { deleteReceiver(name: "hook") { deleted ${ERRORS} } }`;
  expect((await ask(remove)).data['deleteReceiver']).toEqual({ deleted: true, userErrors: [] });
  expect((await ask(remove)).data['deleteReceiver']).toMatchObject({
    deleted: false,
    userErrors: [{ code: 'NOT_FOUND' }],
  });
  expect((await ask('{ receivers { name } deliveries { nodes { id } } }')).data).toEqual({
    receivers: [],
    deliveries: { nodes: [] },
  });
});

it('every kind of receiver can be asked for', async () => {
  const { data } = await ask('{ __type(name: "ReceiverKind") { enumValues { name } } }');
  const names = (data['__type'] as { enumValues: { name: string }[] }).enumValues.map(({ name }) => name);
  expect(names.toSorted()).toEqual(RECEIVERS.map(({ kind }) => kind.toUpperCase().replaceAll('-', '_')).toSorted());
});

it.each([
  ['none was given', undefined],
  ['none can be made', openSecretBox({}, () => '/dev/null/nowhere')],
])('without a key nothing is sealed, and that is said: %s', async (_why, secrets) => {
  const other = await openTestApi(database, secrets ? { secrets } : {});
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${admin}` };
  const body = JSON.stringify({ query: CREATE, variables: { input: HOOK } });
  const answer = await fetch(`${other.url}/graphql`, { method: 'POST', headers, body });
  await other.close();
  const { errors } = (await answer.json()) as Answer;
  expect(errors?.[0]).toMatchObject({ extensions: { code: 'UNAVAILABLE' } });
  expect(errors?.[0]?.message).toContain('WHYDROP_SECRET_KEY');
});
