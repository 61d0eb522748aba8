import { randomBytes } from 'node:crypto';
import { createToken, openSecretBox, revokeToken, ROLES, type NewToken, type Role } from '@whydrop/storage';
import { checkRule } from '../src/auth/guard-schema.js';
import { RULES } from '../src/auth/rules.js';
import type { RunningApi } from '../src/start.js';
import { rootFields, type RootField } from './auth-fields.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeStory } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
const tokens = new Map<string, string>();
const FIELDS = rootFields();
const KEY = { WHYDROP_SECRET_KEY: randomBytes(32).toString('base64') };

async function make(state: string, token: Omit<NewToken, 'name'>): Promise<string> {
  const { id, text } = await createToken(db, { name: state, ...token });
  tokens.set(state, text);
  return id;
}

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  for (const role of ROLES) {
    const bound = role === 'collector' ? { cluster: 'lab', node: 'cent222' } : {};
    await make(role, { role, ...bound });
  }
  await revokeToken(db, await make('revoked', { role: 'admin' }));
  await make('expired', { role: 'admin', expiresAt: new Date(Date.now() - 1000) });
  await make('own namespace', { role: 'operator', namespaces: ['dev'] });
  await make('other namespace', { role: 'operator', namespaces: ['elsewhere'] });
  tokens.set('garbage', 'whd_garbage');
  const secrets = openSecretBox(KEY, () => '/nowhere');
  api = await openTestApi(db, { secrets });
}, 120_000);

afterAll(async () => {
  await api.close();
  await db.drop();
});

interface Answer {
  readonly status: number;
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>> | null;
    readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
  };
}

async function ask(query: string, state: string): Promise<Answer> {
  const token = tokens.get(state);
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const codeOf = ({ body }: Answer) => body.errors?.[0]?.extensions.code;

const RANK: Readonly<Record<string, readonly Role[]>> = {
  viewer: ['viewer', 'operator', 'admin'],
  operator: ['operator', 'admin'],
  admin: ['admin'],
};

it('every root field of the schema has a rule, and every rule a field', () => {
  const named = (fields: readonly RootField[]) => fields.map(({ type, name }) => `${type}.${name}`).sort();
  const ruled = Object.entries(RULES).flatMap(([type, rules]) => Object.keys(rules).map((name) => `${type}.${name}`));
  expect(ruled.sort()).toEqual(named(FIELDS));
});

it('a field without a rule is refused, to an admin too', () => {
  const admin = { tokenId: 'a', name: 'a', role: 'admin' } as const;
  expect(() => checkRule('Query.new', undefined, admin)).toThrow('no rule says who may ask for Query.new');
});

it('every mutation says what it changes, for the audit log', () => {
  const silent = Object.entries(RULES['Mutation'] ?? {}).filter(([, { changes }]) => !changes);
  expect(silent.map(([name]) => name)).toEqual([]);
});

// Over HTTP; subscriptions come over a socket, behind the same guard.
const HTTP_FIELDS = FIELDS.filter(({ operation }) => operation !== 'subscription');

describe.each(HTTP_FIELDS.map((field) => [`${field.type}.${field.name}`, field] as const))('%s', (_, field) => {
  const rule = RULES[field.type]?.[field.name];

  it.each(['none', 'garbage', 'expired', 'revoked'])('token state %s: 401', async (state) => {
    const answer = await ask(field.text, state);
    expect([answer.status, codeOf(answer), answer.body.data ?? null]).toEqual([401, 'UNAUTHENTICATED', null]);
  });

  it.each(ROLES)('role %s', async (role) => {
    const answer = await ask(field.text, role);
    const reads = role !== 'collector' && role !== 'ingest';
    const allowed = RANK[rule?.role ?? '']?.includes(role) ?? false;
    if (!allowed) expect([answer.status, codeOf(answer)]).toEqual([reads ? 200 : 403, 'FORBIDDEN']);
    else expect(['FORBIDDEN', 'UNAUTHENTICATED', 'INTERNAL_SERVER_ERROR']).not.toContain(codeOf(answer));
  });

  it.each(['own namespace', 'other namespace'])('limited to its %s', async (state) => {
    const answer = await ask(field.text, state);
    const refused = rule?.reach === 'whole' || rule?.role === 'admin';
    if (refused) expect(codeOf(answer)).toBe('FORBIDDEN');
    else expect(['FORBIDDEN', 'UNAUTHENTICATED', 'INTERNAL_SERVER_ERROR']).not.toContain(codeOf(answer));
  });
});
