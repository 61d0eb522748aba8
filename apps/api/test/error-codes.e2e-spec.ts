import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { createToken, openDatabase } from '@whydrop/storage';
import { GRAPHQL_ERROR_CODES } from '../src/graphql/server/graphql-error.js';
import type { ApiConfig, RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeStory } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;
const open: RunningApi[] = [];
/** Every code that any answer of this file had. */
const seen = new Set<string>();

async function start({ database = db, ...further }: Partial<ApiConfig> = {}): Promise<RunningApi> {
  const started = await openTestApi(database, further);
  open.push(started);
  return started;
}

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  token = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  api = await start();
});

afterAll(async () => {
  for (const each of open) await each.close();
  await db.drop();
});

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly codes: readonly (string | undefined)[];
}

function answerOf(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  const body = text.slice(end + 4);
  type Body = { readonly errors?: readonly { readonly extensions?: { code?: string; requestId?: string } }[] };
  const { errors = [] } = (body === '' ? {} : JSON.parse(body)) as Body;
  const codes = errors.map(({ extensions }) => (extensions?.requestId === '' ? undefined : extensions?.code));
  for (const code of codes) seen.add(code ?? 'without a code');
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), head: text.slice(0, end), codes };
}

/** Sends these bytes as they are. */
function send(head: readonly string[], body = '', { to = api, as = token as string | null } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(to.url);
    const socket = connect(Number(port), hostname);
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('error', reject);
    socket.on('close', () => resolve(answerOf(Buffer.concat(parts).toString('utf8'))));
    const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`];
    const who = as === null ? [] : [`authorization: Bearer ${as}`];
    const lines = [...head, ...length, ...who, 'host: x', 'connection: close'];
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  });
}

const POST = 'POST /graphql HTTP/1.1';
const JSON_TYPE = 'content-type: application/json';
const NEWER = 'accept: application/graphql-response+json';
const query = (text: string, variables = {}) => JSON.stringify({ query: text, variables });
const persisted = (sha256Hash: string) =>
  JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash } } });

const REQUESTS: readonly (readonly [
  what: string,
  head: readonly string[],
  body: string,
  status: number,
  code: string,
])[] = [
  ['text', [POST, 'content-type: text/plain'], 'x', 415, 'BAD_REQUEST'],
  ['a form', [POST, 'content-type: application/x-www-form-urlencoded'], 'query={__typename}', 415, 'BAD_REQUEST'],
  ['a form in parts', [POST, 'content-type: multipart/form-data; boundary=x'], '--x', 415, 'BAD_REQUEST'],
  ['no content type', [POST], query('{ __typename }'), 415, 'BAD_REQUEST'],
  ['a content type that is none', [POST, 'content-type: ;;;'], '{}', 415, 'BAD_REQUEST'],
  ['PUT', ['PUT /graphql HTTP/1.1', JSON_TYPE], query('{ __typename }'), 405, 'BAD_REQUEST'],
  ['DELETE', ['DELETE /graphql HTTP/1.1'], '', 405, 'BAD_REQUEST'],
  ['no JSON', [POST, JSON_TYPE], '{bad', 400, 'BAD_USER_INPUT'],
  ['nothing', [POST, JSON_TYPE, 'content-length: 0'], '', 400, 'BAD_USER_INPUT'],
  ['JSON that changes objects', [POST, JSON_TYPE], '{"__proto__": {"x": 1}}', 400, 'BAD_USER_INPUT'],
  ['gzip', [POST, JSON_TYPE, 'content-encoding: gzip'], 'xxxx', 400, 'BAD_USER_INPUT'],
  ['too much', [POST, JSON_TYPE], ' '.repeat(1_100_000), 413, 'BAD_USER_INPUT'],
  ['null', [POST, JSON_TYPE], 'null', 400, 'GRAPHQL_VALIDATION_FAILED'],
  ['a list', [POST, JSON_TYPE], '[]', 400, 'GRAPHQL_VALIDATION_FAILED'],
  ['GET of nothing', ['GET /graphql HTTP/1.1'], '', 400, 'GRAPHQL_VALIDATION_FAILED'],
  ['GET of a broken address', ['GET /graphql?query=%E0%A4%A HTTP/1.1', NEWER], '', 400, 'GRAPHQL_PARSE_FAILED'],
  [
    'GET of a mutation',
    ['GET /graphql?query=mutation%7BrevokeToken(id:%22x%22)%7BuserErrors%7Bcode%7D%7D%7D HTTP/1.1', NEWER],
    '',
    400,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['no query', [POST, JSON_TYPE, NEWER], query('{ nothing }'), 400, 'GRAPHQL_VALIDATION_FAILED'],
  ['a hash of nobody', [POST, JSON_TYPE, NEWER], persisted('0'.repeat(64)), 400, 'PERSISTED_QUERY_NOT_FOUND'],
  ['a hash that is none', [POST, JSON_TYPE], persisted('x'), 400, 'BAD_USER_INPUT'],
  ['what is for admins', [POST, JSON_TYPE], query('{ tokens { id } }'), 200, 'FORBIDDEN'],
  ['what is not there', [POST, JSON_TYPE], query('{ node(id: "RHJvcDp4") { id } }'), 200, 'NOT_FOUND'],
  [
    'too much at once',
    [POST, JSON_TYPE, NEWER],
    query(`{ ${Array.from({ length: 60 }, (_, i) => `a${i}: alerts(first: 500) { nodes { id } }`).join(' ')} }`),
    400,
    'QUERY_TOO_COMPLEX',
  ],
];

it.each(REQUESTS.map(([what, head, body, status, code]) => [what, status, code, head, body] as const))(
  '%s: %i %s',
  async (_what, status, code, head, body) => {
    const answer = await send(head, body);
    expect([answer.status, answer.codes]).toEqual([status, [code]]);
    if (status === 405) expect(answer.head.toLowerCase()).toContain('\r\nallow: get, post');
  },
);

it('nobody, a token that is none, and one that may not read', async () => {
  const ingest = (await createToken(db, { name: 'node', role: 'ingest' })).text;
  const ask = (as: string | null) => send([POST, JSON_TYPE], query('{ __typename }'), { as });
  expect((await ask(null)).codes).toEqual(['UNAUTHENTICATED']);
  expect((await ask('whd_nonsense')).codes).toEqual(['UNAUTHENTICATED']);
  expect((await ask(ingest)).codes).toEqual(['FORBIDDEN']);
});

it('too often', async () => {
  const to = await start({ queryLimits: { costPerSecond: 1, costBurst: 1 }, now: () => 0 });
  const ask = () => send([POST, JSON_TYPE], query('{ silences { id } }'), { to });
  await ask();
  expect(await ask()).toMatchObject({ status: 429, codes: ['RATELIMITED'] });
});

it('a database that is away, too slow, or holds what cannot be', async () => {
  const gone = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
  const away = await send([POST, JSON_TYPE], query('{ __typename }'), { to: await start({ database: gone }) });
  expect(away).toMatchObject({ status: 503, codes: ['UNAVAILABLE'] });
  await gone.close();

  const slow = Array.from({ length: 300 }, (_, i) => `{sentence: {contains: "nobody ${i}"}}`).join(' ');
  const drops = `{ drops(filter: {timeRange: {from: "2026-11-20T00:00:00Z"}, or: [${slow}]}) { nodes { key } } }`;
  const to = await start({ statementTimeoutMs: 1 });
  expect((await send([POST, JSON_TYPE], query(drops), { to })).codes).toEqual(['TIMEOUT']);

  await db.pool.query(`UPDATE "drop" SET explanation_id = 'gone'`);
  const broken =
    '{ drops(filter: {timeRange: {from: "2026-11-20T00:00:00Z"}}, first: 1) { nodes { explanation { cause } } } }';
  expect((await send([POST, JSON_TYPE], query(broken))).codes).toEqual(['INTERNAL_SERVER_ERROR']);
});

it('what left the server is the closed list, and apps/api/README.md has it', () => {
  expect([...seen].sort()).toEqual([...GRAPHQL_ERROR_CODES].sort());
  const readme = readFileSync(path.resolve(import.meta.dirname, '../README.md'), 'utf8');
  const told = /^Error codes of GraphQL: ([^.]+)\./m.exec(readme)?.[1]?.replace(/\([^)]*\)/g, '') ?? '';
  expect(told.match(/[A-Z_]+/g)?.sort()).toEqual([...GRAPHQL_ERROR_CODES].sort());
});
