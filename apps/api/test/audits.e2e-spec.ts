import { createToken } from '@whydrop/storage';
import { serverAudits } from 'graphql-http';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

// The public audits of GraphQL over HTTP, against the running server, as somebody with a token.
let db: OpenTestDatabase;
let api: RunningApi;
let token: string;

beforeAll(async () => {
  db = await openTestDatabase();
  token = (await createToken(db, { name: 'audit', role: 'viewer' })).text;
  api = await openTestApi(db);
});

afterAll(async () => {
  await api.close();
  await db.drop();
});

function asReader(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  return fetch(url, { ...init, headers });
}

const AUDITS = serverAudits({ url: () => `${api.url}/graphql`, fetchFn: asReader });

it('there are 61 audits', () => {
  expect(AUDITS).toHaveLength(61);
});

it.each(AUDITS.map((audit) => [audit.id, audit.name, audit] as const))('%s %s', async (_id, _name, audit) => {
  const result = await audit.fn();
  expect(result).toMatchObject({ status: 'ok' });
});

it.each(['application/json', 'application/graphql-response+json'])(
  'an error answers as %s when asked so',
  async (accept) => {
    const response = await asReader(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query: '{ nothing }' }),
    });
    expect(response.headers.get('content-type')).toBe(`${accept}; charset=utf-8`);
    expect(response.headers.get('vary')).toMatch(/accept/i);
    const body = (await response.json()) as object;
    expect(body).not.toHaveProperty('data');
    expect(body).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  },
);

it('who has no token gets 401 in the type that was asked for', async () => {
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
  const response = await fetch(`${api.url}/graphql`, { method: 'POST', headers, body: '{}' });
  expect(response.status).toBe(401);
  expect(response.headers.get('content-type')).toMatch(/^application\/graphql-response\+json/);
});
