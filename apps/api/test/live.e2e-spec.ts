import { createToken, notifyObserved, revokeToken } from '@whydrop/storage';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeMany, storeStory } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
let token: { readonly id: string; readonly text: string };
let ids: readonly string[];
const clients: Client[] = [];

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  await storeMany(db, 200);
  token = await newToken('reader');
  api = await openTestApi(db, { socketRecheckMs: 100 });
  const { rows } = await db.pool.query<{ id: string }>(
    `SELECT d.id FROM "drop" d JOIN drop_group g ON g.id = d.group_id WHERE g.verdict IN ('dropped', 'rejected') ORDER BY d.first_seen_at, d.id`,
  );
  ids = rows.map(({ id }) => id);
});

afterAll(async () => {
  for (const client of clients) await client.dispose();
  await api.close();
  await db.drop();
});

async function newToken(name: string) {
  const { text } = await createToken(db, { name, role: 'viewer' });
  return { text, id: text.split('_')[1] ?? '' };
}

function connect(authorization: string, on: object = {}): Client {
  const client = createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
    on,
  });
  clients.push(client);
  return client;
}

const asReader = () => connect(`Bearer ${token.text}`);

interface Answers {
  readonly data?: { readonly dropObserved?: { key?: string; missed?: number }; readonly alertChanged?: object } | null;
  readonly errors?: readonly { readonly extensions?: Record<string, unknown> }[];
  readonly extensions?: Record<string, unknown>;
}

/** The first answers, then it lets go. `act` runs when the subscription listens. */
async function firstOf(client: Client, query: string, count: number, act: () => Promise<unknown>) {
  await until(async () => (await listeners()) === 0);
  const answers: Answers[] = [];
  const stream = client.iterate({ query }) as AsyncIterableIterator<Answers>;
  const listening = until(async () => (await listeners()) > 0);
  const acted = listening.then(act);
  for await (const answer of stream) {
    answers.push(answer);
    if (answers.length >= count) break;
  }
  await acted;
  return answers;
}

async function listeners(): Promise<number> {
  const { rows } = await db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
  );
  return rows[0]?.count ?? 0;
}

async function until(holds: () => Promise<boolean> | boolean, most = 200): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > most) throw new Error('it did not come to hold');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const tell = (told: readonly string[]) => db.transaction((client) => notifyObserved(client, told));
/** An answer of some size: the same under many names. */
const BROAD = Array.from(
  { length: 12 },
  (_, i) => `a${i}: explanation { assumptions policies { name namespace uid resourceVersion kind tier } }`,
).join(' ');
const OBSERVED =
  'subscription { dropObserved { __typename ... on Drop { key group { drops } } ... on Lagged { missed } } }';

it('a drop is told when the transaction that wrote it commits, with what it belongs to', async () => {
  const [answer] = await firstOf(asReader(), OBSERVED, 1, () => tell([ids[0] ?? '']));
  expect(answer).toMatchObject({
    data: { dropObserved: { __typename: 'Drop', key: ids[0], group: { drops: expect.stringMatching(/^\d+$/) } } },
    extensions: { cost: { requested: expect.any(Number), limit: 50_000 } },
  });
});

it('only what the filter holds for is told', async () => {
  const query =
    'subscription { dropObserved(filter: {sourceNamespace: {eq: "qa"}}) { ... on Drop { key source { pod { namespace } } } } }';
  const answers = await firstOf(asReader(), query, 1, () => tell(ids));
  expect(answers).toMatchObject([{ data: { dropObserved: { source: { pod: { namespace: 'qa' } } } } }]);
});

it('since: the past is given first', async () => {
  const query = 'subscription { dropObserved(since: "2026-11-20T00:00:00Z") { ... on Drop { key } } }';
  const answers = await firstOf(asReader(), query, 3, () => Promise.resolve());
  expect(answers.map(({ data }) => data?.dropObserved?.key)).toEqual(ids.slice(0, 3));
});

it('a storm of more than the queue holds ends in one word on what was missed, not in memory', async () => {
  const unknown = Array.from({ length: 7_000 }, (_, i) => `none-${i}`);
  const answers = await firstOf(asReader(), OBSERVED, 2, async () => {
    await tell([...unknown]);
    await tell([ids[1] ?? '']);
  });
  expect(answers[0]).toMatchObject({ data: { dropObserved: { __typename: 'Lagged', missed: expect.any(Number) } } });
});

it('a client that does not read stops what is read for it; later it is told exactly what it missed', async () => {
  await until(async () => (await listeners()) === 0);
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  let drops = 0;
  let missed = 0;
  socket.on('message', (data: Buffer) => {
    const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: Answers };
    if (type === 'connection_ack') {
      const query = `subscription { dropObserved { ... on Drop { ${BROAD} } ... on Lagged { missed } } }`;
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
      socket.pause();
    } else if (payload?.data?.dropObserved?.missed !== undefined) missed += payload.data.dropObserved.missed;
    else if (type === 'next') drops += 1;
  });
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token.text}` } })),
  );
  await until(async () => (await listeners()) > 0);
  const rounds = 60;
  for (let round = 0; round < rounds; round++) await tell(ids);
  await tell(['the-end-which-is-not-stored']);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(drops).toBe(0);
  socket.resume();
  await until(() => drops + missed >= rounds * ids.length, 1_500);
  expect(missed).toBeGreaterThan(0);
  expect(drops).toBeGreaterThan(0);
  expect(drops + missed).toBeLessThanOrEqual(rounds * ids.length + 1);
  socket.terminate();
}, 60_000);

it('the connection that listens ends with the last subscription', async () => {
  await until(async () => (await listeners()) === 0);
});

it('a lost connection is made again and its gap is told', async () => {
  const cut = () =>
    db.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
    );
  const [answer] = await firstOf(asReader(), OBSERVED, 1, cut);
  expect(answer).toMatchObject({ data: { dropObserved: { __typename: 'Lagged', missed: null } } });
});

it('queries go over the socket too, under the same limits', async () => {
  const client = asReader();
  const [fine] = await firstOf2(client, '{ collectors { node } }');
  expect(fine).toMatchObject({ data: { collectors: expect.any(Array) } });
  const deep = `{ drops(filter: {timeRange: {last: "PT1H"}}) { nodes { group { latestDrop { group { latestDrop { group { latestDrop { group { latestDrop { key } } } } } } } } } } }`;
  await expect(firstOf2(client, deep)).rejects.toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
  await expect(firstOf2(client, '{ nothing }')).rejects.toMatchObject([
    { extensions: { code: 'GRAPHQL_VALIDATION_FAILED', requestId: expect.any(String) } },
  ]);
});

async function firstOf2(client: Client, query: string): Promise<readonly Answers[]> {
  const answers: Answers[] = [];
  for await (const answer of client.iterate({ query })) answers.push(answer as Answers);
  return answers;
}

/** Code with which a socket is closed. */
function closeOf(authorization: string, ask = '{ __typename }'): Promise<number> {
  return new Promise((resolve) => {
    const client = connect(authorization, { closed: (event: { readonly code: number }) => resolve(event.code) });
    client.subscribe({ query: ask }, { next: () => undefined, error: () => undefined, complete: () => undefined });
  });
}

it.each(['', 'Bearer', 'Bearer nonsense', `Bearer whd_abcdefghijkl_${'0'.repeat(64)}_00000000`])(
  'connection_init with %p is closed with 4403',
  async (authorization) => {
    expect(await closeOf(authorization)).toBe(4403);
  },
);

it('a socket ends with 4403 when its token is revoked', async () => {
  const short = await newToken('short');
  const closed = closeOf(`Bearer ${short.text}`, OBSERVED);
  await until(async () => (await listeners()) > 0);
  await revokeToken(db, short.id);
  expect(await closed).toBe(4403);
});

it('no connection_init: 4408; another path: no socket', async () => {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(4408);
  const other = new WebSocket(`${api.url.replace('http', 'ws')}/elsewhere`, 'graphql-transport-ws');
  expect(await new Promise((resolve) => other.on('error', (error: Error) => resolve(error.message)))).toMatch(/404/);
});
