import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { storeStory } from './story.js';

let db: OpenTestDatabase;
let api: RunningApi;
let provider: Server;
let issuer: string;
let keys: { id: string; sign: CryptoKey; jwk: JWK }[] = [];
let asked = 0;
let isAway = false;

async function newKey(id: string): Promise<(typeof keys)[number]> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { id, sign: privateKey, jwk: { ...(await exportJWK(publicKey)), kid: id, use: 'sig', alg: 'RS256' } };
}

beforeAll(async () => {
  keys = [await newKey('first')];
  provider = createServer((request, response) => {
    asked++;
    const discovery = { issuer, jwks_uri: `${issuer}/keys` };
    const answer = request.url === '/keys' ? { keys: keys.map(({ jwk }) => jwk) } : discovery;
    response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  db = await openTestDatabase();
  await storeStory(db);
  api = await start();
}, 90_000);

afterAll(async () => {
  await api.close();
  provider.close();
  await db.drop();
});

function start(): Promise<RunningApi> {
  const oidc = { issuer, audience: 'whydrop', roleClaim: 'access.whydrop', namespacesClaim: 'namespaces' };
  return openTestApi(db, { oidc });
}

interface Wanted {
  readonly claims?: JWTPayload;
  readonly audience?: string;
  readonly by?: string;
  readonly expires?: string | number;
  readonly kid?: string;
  readonly key?: CryptoKey | Uint8Array;
  readonly alg?: string;
  readonly subject?: string;
}

const VIEWER = { access: { whydrop: ['offline', 'viewer'] }, namespaces: ['dev'] };

function tokenOf(wanted: Wanted = {}): Promise<string> {
  const { claims = VIEWER, audience = 'whydrop', by = issuer, expires = '5m', alg = 'RS256', subject = 'ada' } = wanted;
  const [first] = keys;
  if (!first) throw new Error('no key');
  return new SignJWT(claims)
    .setProtectedHeader({ alg, kid: wanted.kid ?? first.id })
    .setIssuer(by)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(wanted.key ?? first.sign);
}

interface Reply {
  readonly status: number;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

async function ask(token: string, query = '{ __typename }', to = api): Promise<Reply> {
  const response = await fetch(`${to.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, ...((await response.json()) as Omit<Reply, 'status'>) };
}

const DROPS = '{ drops(filter: {timeRange: {from: "2026-11-20T00:00:00Z"}}) { totalCount nodes { withheld } } }';
const codeOf = ({ errors }: Reply) => errors?.[0]?.extensions.code;

describe('a token of the identity provider', () => {
  it('is believed, with the role and the namespaces that it names', async () => {
    const token = await tokenOf();
    const { data } = await ask(token, DROPS);
    expect(data).toMatchObject({ drops: { totalCount: expect.any(Number) } });
    expect(JSON.stringify(data)).toContain('raw lines');
    expect(codeOf(await ask(token, '{ alertRules { id } }'))).toBe('FORBIDDEN');
    const nowhere = await tokenOf({ claims: { ...VIEWER, namespaces: ['elsewhere'] } });
    expect((await ask(nowhere, DROPS)).data).toMatchObject({ drops: { totalCount: 0 } });
    const admin = await tokenOf({ claims: { access: { whydrop: 'admin' } } });
    expect((await ask(admin, '{ tokens { id } }')).errors).toBeUndefined();
  });

  it('gives changes its subject', async () => {
    const token = await tokenOf({ claims: { access: { whydrop: 'admin' } }, subject: 'grace' });
    const input = '{matchers: [{name: "rule", value: "x"}], comment: "why", duration: "PT1H"}';
    expect((await ask(token, `mutation { createSilence(input: ${input}) { silence { id } } }`)).errors).toBeUndefined();
    expect((await ask(token, '{ auditLog { nodes { actor tokenId } } }')).data).toEqual({
      auditLog: { nodes: [{ actor: 'grace', tokenId: 'oidc:grace' }] },
    });
  });

  it.each<[string, () => Promise<string>]>([
    ['has expired', () => tokenOf({ expires: Math.floor(Date.now() / 1000) - 120 })],
    ['is for another audience', () => tokenOf({ audience: 'grafana' })],
    ['is of another issuer', () => tokenOf({ by: 'https://elsewhere.example' })],
    ['names a key that does not exist', () => tokenOf({ kid: 'unknown' })],
    ['is signed by another key of that name', async () => tokenOf({ key: (await newKey('first')).sign })],
    [
      'is signed with the public key as a shared secret',
      () => tokenOf({ alg: 'HS256', key: new TextEncoder().encode(JSON.stringify(keys[0]?.jwk)) }),
    ],
    [
      'is not signed',
      () => {
        const token = new UnsecuredJWT(VIEWER).setIssuer(issuer).setAudience('whydrop').setSubject('ada');
        return Promise.resolve(token.setExpirationTime('5m').encode());
      },
    ],
    ['names no role', () => tokenOf({ claims: { namespaces: ['dev'] } })],
    ['names a role of machines', () => tokenOf({ claims: { access: { whydrop: 'ingest' } } })],
    ['names no namespaces', () => tokenOf({ claims: { access: { whydrop: 'viewer' } } })],
    ['names an empty list of namespaces', () => tokenOf({ claims: { ...VIEWER, namespaces: [] } })],
    ['has no subject', () => tokenOf({ subject: '' })],
    ['is cut', async () => (await tokenOf()).slice(0, -20)],
    ['is no token', () => Promise.resolve('a.b.c')],
  ])('that %s is refused', async (_, make) => {
    const reply = await ask(await make());
    expect([reply.status, codeOf(reply)]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('does not ship batches', async () => {
    const admin = await tokenOf({ claims: VIEWER });
    const response = await fetch(`${api.url}/ingest/v1/status?cluster=lab`, {
      headers: { authorization: `Bearer ${admin}` },
    });
    expect(response.status).toBe(403);
  });

  it('of a new key is believed when keys change, one of the old key no more', async () => {
    const old = await tokenOf();
    const before = asked;
    expect((await ask(old)).status).toBe(200);
    expect(asked).toBe(before);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    keys = [await newKey('second')];
    expect((await ask(await tokenOf())).status).toBe(200);
    expect((await ask(old)).status).toBe(401);
    expect(asked).toBeGreaterThan(before);
  });

  it('cannot be judged while the provider is away: that is 503, and nobody is let in', async () => {
    const fresh = await start();
    try {
      isAway = true;
      expect(codeOf(await ask(await tokenOf(), undefined, fresh))).toBe('UNAVAILABLE');
      isAway = false;
      expect((await ask(await tokenOf(), undefined, fresh)).status).toBe(200);
    } finally {
      isAway = false;
      await fresh.close();
    }
  });
});
