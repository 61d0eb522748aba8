import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createToken } from '@whydrop/storage';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { hashOf, readQueryList } from '../src/graphql/server/persisted-queries.js';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

let db: OpenTestDatabase;
let open: RunningApi;
let listed: RunningApi;
let token: string;

const QUERY = '{ collectors { node } }';
const OTHER = '{ __typename }';
const folder = mkdtempSync(path.join(os.tmpdir(), 'whydrop-queries-'));

beforeAll(async () => {
  db = await openTestDatabase();
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  const file = path.join(folder, 'queries.json');
  writeFileSync(file, JSON.stringify({ collectors: QUERY }));
  open = await openTestApi(db);
  listed = await openTestApi(db, { queryList: readQueryList(file) });
});

afterAll(async () => {
  await open.close();
  await listed.close();
  await db.drop();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly data?: object;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

async function post(api: RunningApi, body: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${api.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as Answer;
}

const persistedQuery = (query: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(query) } });
const codes = ({ errors }: Answer) => errors?.map(({ extensions }) => extensions.code);

it('a hash that is not known is asked for with its query, and known from then on', async () => {
  const extensions = persistedQuery(QUERY);
  const unknown = await post(open, { extensions });
  expect(unknown).toMatchObject({ errors: [{ message: 'PersistedQueryNotFound' }] });
  expect(codes(unknown)).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  expect(await post(open, { extensions, query: QUERY })).toMatchObject({ data: { collectors: [] } });
  expect(await post(open, { extensions })).toMatchObject({ data: { collectors: [] } });
});

it('by GET too', async () => {
  const extensions = encodeURIComponent(JSON.stringify(persistedQuery(QUERY)));
  const query = encodeURIComponent(QUERY);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = async (parameters: string) =>
    (await (await fetch(`${open.url}/graphql?${parameters}`, { headers })).json()) as Answer;
  expect(await ask(`extensions=${extensions}&query=${query}`)).toMatchObject({ data: { collectors: [] } });
  expect(await ask(`extensions=${extensions}`)).toMatchObject({ data: { collectors: [] } });
});

it('a hash of another query is refused, and not remembered', async () => {
  const wrong = await post(open, { query: OTHER, extensions: persistedQuery('{ a }') });
  expect(codes(wrong)).toEqual(['BAD_USER_INPUT']);
  expect(codes(await post(open, { extensions: persistedQuery('{ a }') }))).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
});

it.each([{ version: 2, sha256Hash: hashOf(OTHER) }, { version: 1 }, { version: 1, sha256Hash: 'short' }])(
  '%j is no persisted query',
  async (persisted) => {
    expect(codes(await post(open, { extensions: { persistedQuery: persisted } }))).toEqual(['BAD_USER_INPUT']);
  },
);

it('with a list only what is in it is answered, by text or by hash', async () => {
  expect(await post(listed, { query: QUERY })).toMatchObject({ data: { collectors: [] } });
  expect(await post(listed, { extensions: persistedQuery(QUERY) })).toMatchObject({ data: { collectors: [] } });
  expect(codes(await post(listed, { query: OTHER }))).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  expect(codes(await post(listed, { query: OTHER, extensions: persistedQuery(OTHER) }))).toEqual([
    'PERSISTED_QUERY_NOT_FOUND',
  ]);
});

it('the list holds over sockets too', async () => {
  const client = createClient({
    url: `${listed.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
  });
  const first = async (query: string) => {
    for await (const answer of client.iterate({ query })) return answer;
    return undefined;
  };
  expect(await first(QUERY)).toMatchObject({ data: { collectors: [] } });
  await expect(first(OTHER)).rejects.toMatchObject([{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }]);
  await client.dispose();
});

it('a list that holds something else than queries is refused with its file', () => {
  const file = path.join(folder, 'bad.json');
  writeFileSync(file, '["{ a }", 7]');
  expect(() => readQueryList(file)).toThrow(`${file}: entry 2 is no query but number`);
});
