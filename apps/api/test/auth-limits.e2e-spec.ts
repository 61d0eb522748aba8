import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { createToken, openSecretBox } from '@whydrop/storage';
import { startApi, type ApiConfig, type RunningApi } from '../src/start.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeStory } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
let admin: string;
let clock = Date.now();
const open: RunningApi[] = [];
const logged: string[] = [];
const keep = (fields: object, message: string) => void logged.push(inspect([fields, message], { depth: 20 }));
const KEY = randomBytes(32).toString('base64');

async function start(further: Partial<ApiConfig> = {}): Promise<RunningApi> {
  const started = await startApi({
    database: db,
    storeQueue: { enqueue: () => Promise.reject(new Error('no queue')) },
    knownFormats: ['conntrack'],
    port: 0,
    log: { info: keep, warn: keep, error: keep },
    secrets: openSecretBox({ WHYDROP_SECRET_KEY: KEY }, () => '/nowhere'),
    ...further,
  });
  open.push(started);
  return started;
}

beforeAll(async () => {
  db = await openTestDatabase();
  await storeStory(db);
  admin = (await createToken(db, { name: 'root', role: 'admin' })).text;
  api = await start();
}, 120_000);

afterAll(async () => {
  for (const each of open) await each.close();
  await db.drop();
});

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly message: string; readonly extensions: Readonly<Record<string, unknown>> }[];
}

async function post(to: RunningApi, body: string, headers: Record<string, string>): Promise<Reply> {
  const response = await fetch(`${to.url}/graphql`, { method: 'POST', headers, body });
  return {
    status: response.status,
    headers: response.headers,
    ...((await response.json()) as Omit<Reply, 'status' | 'headers'>),
  };
}

function ask(query: string, { to = api, token = admin, variables = {} } = {}): Promise<Reply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return post(to, JSON.stringify({ query, variables }), headers);
}

describe('how much a token may ask', () => {
  it('is limited by cost, says how long to wait, and is let in again then', async () => {
    clock = Date.now();
    const to = await start({ queryLimits: { costPerSecond: 100, costBurst: 500 }, now: () => clock });
    const query = '{ silences { id } alertRules { id } }';
    expect((await ask(query, { to })).errors).toBeUndefined();
    let refused = await ask(query, { to });
    for (let i = 0; i < 20 && refused.status === 200; i++) refused = await ask(query, { to });
    expect(refused.status).toBe(429);
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'RATELIMITED', limit: { costPerSecond: 100 } });
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBe(refused.errors?.[0]?.extensions['retryAfter']);
    const other = (await createToken(db, { name: 'other', role: 'viewer' })).text;
    expect((await ask(query, { to, token: other })).status).toBe(200);
    clock += (wait - 1) * 1000 - 1;
    expect((await ask(query, { to })).status).toBe(429);
    clock += 1001;
    expect((await ask(query, { to })).status).toBe(200);
  });
});

describe('what is asked from elsewhere', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
  ])('%s is refused before it is read', async (type) => {
    const { status, errors } = await post(api, '{"query":"{ __typename }"}', {
      authorization: `Bearer ${admin}`,
      'content-type': type,
    });
    expect([status, errors?.[0]?.message]).toEqual([415, expect.stringContaining('application/json')]);
  });

  it('every answer forbids browsers to guess, frame or keep it', async () => {
    const { headers } = await ask('{ __typename }');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await fetch(`${api.url}/livez`)).headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('GraphiQL is not there unless asked for', async () => {
    expect((await fetch(`${api.url}/graphiql`)).status).toBe(404);
    const shown = await fetch(`${(await start({ graphiql: true })).url}/graphiql`);
    expect([shown.status, shown.headers.get('content-security-policy')]).toEqual([200, null]);
  });
});

describe('the schema', () => {
  const QUERY = '{ __schema { queryType { name } } }';

  it('is told to whoever has a token, and nothing of it to others', async () => {
    expect((await ask(QUERY)).data).toMatchObject({ __schema: { queryType: { name: 'Query' } } });
    const anonymous = await post(api, JSON.stringify({ query: '{ drop { i } }' }), {
      'content-type': 'application/json',
    });
    expect(anonymous.status).toBe(401);
    expect(JSON.stringify(anonymous.errors)).not.toMatch(/drops|did you mean/i);
  });

  it('is told to nobody where that is switched off, not by its errors either', async () => {
    const to = await start({ introspection: false });
    expect((await ask(QUERY, { to })).errors?.[0]?.extensions).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' });
    expect((await ask('{ dropz { id } }', { to })).errors?.[0]?.message).not.toMatch(/did you mean/i);
    expect((await ask('{ dropz { id } }')).errors?.[0]?.message).toMatch(/did you mean/i);
  });
});

describe('tokens', () => {
  const CREATE = `mutation ($input: CreateTokenInput!) {
    createToken(input: $input) { secret token { id role namespaces node expiresAt } userErrors { path message } } }`;
  const REVOKE = 'mutation ($id: ID!) { revokeToken(id: $id) { token { revokedAt } userErrors { code } } }';
  interface Made {
    readonly createToken: {
      readonly secret: string | null;
      readonly token: { readonly id: string } | null;
      readonly userErrors: readonly { readonly path: readonly string[]; readonly message: string }[];
    };
  }
  const make = async (input: object) => (await ask(CREATE, { variables: { input } })).data as unknown as Made;

  it('are made, used, listed without their secret, and revoked', async () => {
    const { createToken: made } = await make({ name: 'team', role: 'VIEWER', namespaces: ['dev'] });
    expect(made).toMatchObject({ token: { role: 'VIEWER', namespaces: ['dev'], node: null }, userErrors: [] });
    const token = made.secret ?? '';
    expect((await ask('{ silences { id } }', { token })).errors?.[0]?.extensions['code']).toBe('FORBIDDEN');
    const listed = await ask('{ tokens { id name lastUsedAt } }');
    expect(JSON.stringify(listed.data)).not.toContain(token.split('_')[2]);
    expect(listed.data['tokens']).toContainEqual({ id: made.token?.id, name: 'team', lastUsedAt: expect.any(String) });
    const revoked = await ask(REVOKE, { variables: { id: made.token?.id } });
    expect(revoked.data).toMatchObject({ revokeToken: { userErrors: [] } });
    expect((await ask('{ __typename }', { token })).status).toBe(401);
    const again = await ask(REVOKE, { variables: { id: made.token?.id } });
    expect(again.data).toMatchObject({ revokeToken: { userErrors: [{ code: 'NOT_FOUND' }] } });
  });

  it.each([
    [{ role: 'COLLECTOR', node: 'n1' }, 'a collector is bound to a node'],
    [{ role: 'ADMIN', namespaces: ['dev'] }, 'only a viewer or an operator is limited to namespaces'],
    [{ role: 'VIEWER', namespaces: [] }, 'names at least one'],
    [{ role: 'VIEWER', namespaces: ['Dev'] }, 'lower-case'],
    [{ role: 'VIEWER', node: 'n1' }, 'only a collector is bound to a node'],
    [{ role: 'VIEWER', expiresAt: '2020-01-01T00:00:00Z' }, 'it would be over'],
  ])('%j is refused', async (input, message) => {
    const { createToken: made } = await make({ name: 'x', ...input });
    expect(made.secret).toBeNull();
    expect(made.userErrors[0]?.message).toContain(message);
  });

  it('of a collector ship for its own node alone', async () => {
    const { createToken: made } = await make({ name: 'n1', role: 'COLLECTOR', cluster: 'lab', node: 'n1' });
    const ship = async (cluster: string, node: string, sequence: number) => {
      const head = { version: 1, cluster, node, stream: 'conntrack', format: 'conntrack', epoch: 1, sequence };
      const envelope = { ...head, observedFrom: '2026-11-20T14:00:00Z', observedTo: '2026-11-20T14:00:01Z' };
      const response = await fetch(`${api.url}/ingest/v1/batches`, {
        method: 'POST',
        headers: { authorization: `Bearer ${made.secret}` },
        body: `${JSON.stringify(envelope)}\n`,
      });
      return [response.status, await response.text()] as const;
    };
    for (const [cluster, node] of [
      ['lab', 'n2'],
      ['prod', 'n1'],
    ] as const) {
      const [status, text] = await ship(cluster, node, 1);
      expect([status, JSON.parse(text)]).toEqual([403, { error: expect.objectContaining({ code: 'FORBIDDEN' }) }]);
    }
    const [status, text] = await ship('lab', 'n1', 1);
    expect([status, text]).toEqual([202, expect.stringContaining('"accepted":true')]);
    const progress = await fetch(`${api.url}/ingest/v1/status?cluster=prod`, {
      headers: { authorization: `Bearer ${made.secret}` },
    });
    expect(progress.status).toBe(403);
  });
});

describe('the audit log', () => {
  interface Entry {
    readonly action: string;
    readonly actor: string;
    readonly subject: string;
    readonly before: string | null;
    readonly after: string | null;
  }
  const read = async (): Promise<readonly Entry[]> => {
    const { data } = await ask('{ auditLog(first: 500) { nodes { action actor role subject before after at } } }');
    return (data['auditLog'] as { nodes: Entry[] } | undefined)?.nodes ?? [];
  };

  it('has who changed what, from what to what, and no refused change', async () => {
    const input = { matchers: [{ name: 'rule', value: 'x' }], comment: 'work', duration: 'PT1H' };
    const create = 'mutation ($input: CreateSilenceInput!) { createSilence(input: $input) { silence { id } } }';
    const made = await ask(create, { variables: { input } });
    const { id } = (made.data['createSilence'] as unknown as { silence: { id: string } }).silence;
    await ask(create, { variables: { input: { ...input, comment: ' ' } } });
    await ask('mutation ($id: ID!) { expireSilence(id: $id) { userErrors { code } } }', { variables: { id } });
    const own = (await read()).filter(({ subject }) => subject === `silence/${id}`);
    expect(own.map(({ action, actor }) => [action, actor])).toEqual([
      ['expireSilence', 'root'],
      ['createSilence', 'root'],
    ]);
    const [expired, created] = own;
    expect(created).toMatchObject({ before: null, after: expect.stringContaining('"comment":"work"') });
    expect(expired?.before).toBe(created?.after);
    expect(expired?.after).not.toBe(expired?.before);
    expect((await read()).filter(({ action }) => action === 'createSilence')).toHaveLength(1);
  });

  it('and the log of the program hold nothing that was secret', async () => {
    const url = 'https://hooks.example.com/services/T0S3CR3T';
    const mutation = `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) { userErrors { message } receiver { name } } }`;
    const input = { name: 'hook', kind: 'SLACK', settings: [], secrets: [{ name: 'url', value: url }] };
    const made = await ask(mutation, { variables: { input } });
    expect(made.errors ?? made.data['createReceiver']).toEqual({ userErrors: [], receiver: { name: 'hook' } });
    await ask('{ node(id: "x") { id } }');
    await fetch(`${api.url}/graphql?access=${admin}`, { headers: { authorization: `Bearer ${admin}x` } });
    const text = `${logged.join('\n')}\n${JSON.stringify(await read())}`;
    expect(text).toContain('receiver/hook');
    expect(logged.length).toBeGreaterThan(0);
    const { rows } = await db.pool.query<{ secret_hash: string }>('SELECT secret_hash FROM api_token');
    const secrets = [url, 'T0S3CR3T', KEY, admin.split('_')[2] ?? '', ...rows.map(({ secret_hash }) => secret_hash)];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(text).not.toMatch(/whd_[a-z0-9]{12}_[0-9a-f]{64}/);
  });
});
