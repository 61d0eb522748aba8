import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { formatBatch, type EnvelopeInput } from '@whydrop/contracts';
import { createToken, openDatabase, revokeToken, type Database } from '@whydrop/storage';
import { startApi, type ApiConfig, type RunningApi } from '../src/start.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

const FORMATS = ['conntrack-events', 'coverage'];

class FakeQueue {
  readonly jobs: unknown[] = [];
  failure: Error | 'hang' | undefined;

  enqueue(...job: readonly unknown[]): Promise<unknown> {
    if (this.failure === 'hang') return new Promise(() => undefined);
    if (this.failure) return Promise.reject(this.failure);
    this.jobs.push(job);
    return Promise.resolve();
  }
}

let db: OpenTestDatabase;
let api: RunningApi;
let token: string;
let viewer: string;
const queue = new FakeQueue();
const open: RunningApi[] = [];

async function start(config: Partial<ApiConfig> = {}): Promise<RunningApi> {
  const api = await startApi({ database: db, storeQueue: queue, knownFormats: FORMATS, port: 0, ...config });
  open.push(api);
  return api;
}

beforeAll(async () => {
  db = await openTestDatabase();
  token = (await createToken(db, { name: 'node1', role: 'ingest' })).text;
  viewer = (await createToken(db, { name: 'reader', role: 'viewer' })).text;
  api = await start();
});

afterAll(async () => {
  for (const each of open) await each.close();
  await db.drop();
});

afterEach(() => {
  queue.jobs.length = 0;
  queue.failure = undefined;
});

let sequence = 0;
const envelope = (changes: Partial<EnvelopeInput> = {}): EnvelopeInput => ({
  version: 1,
  cluster: 'c1',
  node: 'n1',
  stream: 'conntrack.log',
  format: 'conntrack-events',
  epoch: 17,
  sequence: sequence++,
  ...changes,
});
const LINES = '[1795214415.576068]\t    [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2\n';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { accepted?: boolean; duplicate?: boolean; batchId?: string; error?: Record<string, unknown> };
}

interface Post {
  readonly to?: RunningApi;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
}

async function post(body: Buffer, { to = api, token: as = token, headers = {} }: Post = {}): Promise<Answer> {
  const authorization: Record<string, string> = as === null ? {} : { authorization: `Bearer ${as}` };
  const response = await fetch(`${to.url}/ingest/v1/batches`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { ...authorization, ...headers },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

const GZIP = { 'content-encoding': 'gzip' };
const count = async (where = 'true') =>
  (await db.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM raw_batch WHERE ${where}`)).rows[0]?.n;

describe('POST /ingest/v1/batches', () => {
  it('stores the batch as it came, answers 202 and leaves a pointer in the queue', async () => {
    const head = envelope({
      observedFrom: '2026-11-20T22:40:15.629546Z',
      attributes: { group: '7' },
      firstLine: 12,
    });
    const answer = await post(gzipSync(formatBatch(head, LINES)), { headers: GZIP });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ accepted: true, duplicate: false, batchId: expect.stringMatching(/^\d+$/) });
    const batchId = answer.body.batchId ?? '';
    expect(queue.jobs).toEqual([['store', `store-${batchId}`, { version: 1, batchId }]]);
    const { rows } = await db.pool.query(
      `SELECT b.*, c.name AS cluster, e.node, to_char(observed_from, 'YYYY-MM-DD HH24:MI:SS.US') AS at
       FROM raw_batch b JOIN emitter e ON e.id = b.emitter_id JOIN cluster c ON c.id = e.cluster_id WHERE b.id = $1`,
      [batchId],
    );
    expect(rows[0]).toMatchObject({
      cluster: 'c1',
      node: 'n1',
      stream: 'conntrack.log',
      format: 'conntrack-events',
      epoch: 17n,
      sequence: BigInt(head.sequence),
      at: '2026-11-20 22:40:15.629546',
      observed_to: null,
      first_line: 12,
      attributes: { group: '7' },
      payload_bytes: LINES.length,
      attempts: 0,
    });
    expect(gunzipSync(rows[0].payload as Buffer).toString()).toBe(LINES);
  });

  it.each(['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'application/octet-stream'])(
    'takes a body without encoding, sent as %s',
    async (type) => {
      const answer = await post(formatBatch(envelope(), LINES), { headers: { 'content-type': type } });
      expect(answer.status).toBe(202);
    },
  );

  it('answers the same batch the same, and stores it once', async () => {
    const body = gzipSync(formatBatch(envelope({ stream: 'twice' }), LINES));
    const first = await post(body, { headers: GZIP });
    const second = await post(body, { headers: GZIP });
    expect(second.status).toBe(202);
    expect(second.body).toEqual({ ...first.body, duplicate: true });
    expect(await count(`stream = 'twice'`)).toBe(1);
  });

  it('enqueues a repeat again only while it is not worked', async () => {
    const body = formatBatch(envelope({ stream: 'worked' }), LINES);
    const { batchId } = (await post(body)).body;
    await post(body);
    expect(queue.jobs).toHaveLength(2);
    await db.pool.query('UPDATE raw_batch SET finished_at = now() WHERE id = $1', [batchId]);
    await post(body);
    expect(queue.jobs).toHaveLength(2);
  });

  it('stores one row when the same batch comes many times at once, for a node nobody knew', async () => {
    const body = formatBatch(envelope({ cluster: 'new', node: 'new', stream: 'race' }), LINES);
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(body)));
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 12 }, () => 202));
    expect(new Set(answers.map((answer) => answer.body.batchId)).size).toBe(1);
    expect(answers.filter((answer) => answer.body.duplicate === false)).toHaveLength(1);
  });

  it('refuses the same key with other content, and names the key', async () => {
    const head = envelope({ stream: 'conflict' });
    await post(formatBatch(head, LINES));
    const { cluster, node, stream, epoch, sequence } = head;
    for (const other of [
      formatBatch(head, `${LINES}more\n`),
      formatBatch({ ...head, format: 'coverage' }, LINES),
      formatBatch({ ...head, attributes: { group: '1' } }, LINES),
    ]) {
      const answer = await post(other);
      expect(answer.status).toBe(409);
      expect(answer.body.error).toMatchObject({ code: 'CONFLICT', key: { cluster, node, stream, epoch, sequence } });
    }
    expect(await count(`stream = 'conflict'`)).toBe(1);
  });

  it('takes cluster-wide batches without a node', async () => {
    expect((await post(formatBatch(envelope({ node: null, stream: 'events' }), ''))).status).toBe(202);
  });
});

describe('what is wrong with a request', () => {
  const refused = async (body: Buffer, headers: Record<string, string> = {}) => {
    const before = await count();
    const { status, body: answer } = await post(body, { headers });
    expect(await count()).toBe(before);
    expect(queue.jobs).toEqual([]);
    return { status, ...answer.error };
  };

  it('no token, no bearer, a mistyped, unknown or revoked one: 401 with WWW-Authenticate', async () => {
    const body = formatBatch(envelope({ stream: 'unauthenticated' }), LINES);
    const revoked = await createToken(db, { name: 'gone', role: 'ingest' });
    expect((await post(body, { token: revoked.text })).status).toBe(202);
    expect(await revokeToken(db, revoked.id)).toBe(true);
    expect(await revokeToken(db, revoked.id)).toBe(false);
    const mistyped = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0');
    for (const bad of [null, 'x', mistyped, revoked.text, '']) {
      const answer = await post(body, { token: bad });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="whydrop"/);
      expect(answer.body.error).toMatchObject({ code: 'UNAUTHENTICATED', requestId: expect.any(String) });
    }
    const basic = await post(body, { token: null, headers: { authorization: 'Basic eDp5' } });
    expect(basic.status).toBe(401);
  });

  it('a token of another role: 403', async () => {
    const answer = await post(formatBatch(envelope(), LINES), { token: viewer });
    expect(answer.status).toBe(403);
    expect(answer.body.error).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('role ingest') });
  });

  it('gzip that ends in the middle or is damaged: 400 BAD_GZIP', async () => {
    const whole = gzipSync(formatBatch(envelope(), randomBytes(5000).toString('hex')));
    const damaged = Buffer.from(whole);
    damaged.fill(0x55, 2000, 2400);
    expect(await refused(whole.subarray(0, -20), GZIP)).toMatchObject({ status: 400, code: 'BAD_GZIP' });
    expect(await refused(damaged, GZIP)).toMatchObject({ status: 400, code: 'BAD_GZIP' });
    expect(await refused(Buffer.from('not gzip at all'), GZIP)).toMatchObject({ status: 400, code: 'BAD_GZIP' });
  });

  it('another content encoding: 415', async () => {
    const body = formatBatch(envelope(), LINES);
    expect(await refused(body, { 'content-encoding': 'br' })).toMatchObject({
      status: 415,
      code: 'UNSUPPORTED_ENCODING',
    });
  });

  it.each([
    ['envelope', Buffer.from('')],
    ['envelope', Buffer.from('no line feed')],
    ['envelope', Buffer.from('not json\nx')],
    ['envelope', Buffer.from('[1]\nx')],
    ['cluster', formatBatch({ ...envelope(), cluster: '' }, LINES)],
    ['epoch', formatBatch({ ...envelope(), epoch: -1 }, LINES)],
    ['sequence', formatBatch({ ...envelope(), sequence: 1.5 }, LINES)],
    ['observedFrom', formatBatch({ ...envelope(), observedFrom: 'yesterday' }, LINES)],
    ['version', formatBatch({ ...envelope(), version: 2 as 1 }, LINES)],
    ['surplus', formatBatch({ ...envelope(), surplus: 1 } as EnvelopeInput, LINES)],
    ['firstLine', formatBatch({ ...envelope(), firstLine: 2 ** 40 }, LINES)],
    ['attributes.group', formatBatch({ ...envelope(), attributes: { group: 'a\0b' } }, LINES)],
    ['stream', Buffer.from(JSON.stringify(envelope()).replace('conntrack.log', '\\ud800') + '\n')],
    ['envelope', formatBatch({ ...envelope(), observedFrom: '0000-01-01T00:00:00Z' }, LINES)],
  ])('a malformed envelope: 400 BAD_ENVELOPE with field %s', async (field, body) => {
    const error = await refused(body);
    expect(error).toMatchObject({ status: 400, code: 'BAD_ENVELOPE', field, message: expect.any(String) });
  });

  it('a format nobody reads: 400 UNKNOWN_FORMAT with the known ones', async () => {
    const error = await refused(formatBatch(envelope({ format: 'pcap' }), LINES));
    expect(error).toMatchObject({ status: 400, code: 'UNKNOWN_FORMAT', known: FORMATS });
    expect(error).toMatchObject({ message: expect.stringContaining('conntrack-events, coverage') });
  });

  it('another path or method: 404 in the same shape', async () => {
    const response = await fetch(`${api.url}/ingest/v1/nothing`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });
});

describe('limits', () => {
  it('too many compressed bytes: 413 naming the limit, declared or not', async () => {
    const small = await start({ ingestLimits: { compressedBytes: 100_000 } });
    const body = gzipSync(formatBatch(envelope(), randomBytes(300_000)));
    const answer = await post(body, { to: small, headers: GZIP });
    expect(answer.status).toBe(413);
    expect(answer.body.error).toMatchObject({ code: 'TOO_LARGE', limit: { compressed: 100_000 } });
  });

  it('a gzip bomb: 413 naming the limit, stopped while inflating', async () => {
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024, 0x20), { level: 1 });
    const before = process.memoryUsage().rss;
    const answer = await post(bomb, { headers: GZIP });
    expect(answer.status).toBe(413);
    expect(answer.body.error).toMatchObject({ code: 'TOO_LARGE', limit: { inflated: 64 * 1024 * 1024 } });
    expect(process.memoryUsage().rss - before).toBeLessThan(250 * 1024 * 1024);
  });

  it('an uncompressed body over the inflated limit: 413', async () => {
    const small = await start({ ingestLimits: { inflatedBytes: 50_000 } });
    const answer = await post(formatBatch(envelope(), 'x'.repeat(60_000)), { to: small });
    expect(answer.status).toBe(413);
    expect(answer.body.error).toMatchObject({ limit: { inflated: 50_000 } });
  });

  it('too many requests or bytes of one token: 429 with Retry-After; later it goes on, others are not held up', async () => {
    let now = 0;
    const limits = { requestsPerSecond: 0.5, requestBurst: 2, bytesPerSecond: 100, byteBurst: 1000 };
    const slow = await start({ ingestLimits: limits, now: () => now });
    const batch = () => formatBatch(envelope({ stream: 'rate' }), 'x');
    expect((await post(batch(), { to: slow })).status).toBe(202);
    expect((await post(batch(), { to: slow })).status).toBe(202);
    const third = await post(batch(), { to: slow });
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(third.body.error).toMatchObject({ code: 'RATELIMITED', limit: '0.5 requests' });
    const other = (await createToken(db, { name: 'node2', role: 'ingest' })).text;
    expect((await post(formatBatch(envelope(), 'y'.repeat(2000)), { to: slow, token: other })).status).toBe(202);
    const bytes = await post(batch(), { to: slow, token: other });
    expect(bytes.status).toBe(429);
    expect(bytes.body.error).toMatchObject({ limit: '100 bytes' });
    expect(Number(bytes.headers.get('retry-after'))).toBeGreaterThanOrEqual(10);
    now += Number(third.headers.get('retry-after')) * 1000 + 2000;
    expect((await post(batch(), { to: slow })).status).toBe(202);
  });

  it('more bytes in flight than the process may hold: 503 with Retry-After, and room again afterwards', async () => {
    const small = await start({ ingestLimits: { inFlightBytes: 100_000 } });
    const answer = await post(formatBatch(envelope(), 'x'.repeat(200_000)), { to: small });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await post(formatBatch(envelope(), 'x'.repeat(90_000)), { to: small })).status).toBe(202);
    expect((await post(formatBatch(envelope(), 'x'.repeat(90_000)), { to: small })).status).toBe(202);
  });

  it('a client that hangs up in the middle leaves nothing', async () => {
    const before = await count();
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(
      `POST /ingest/v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 99999\r\n\r\n`,
    );
    socket.write(formatBatch(envelope(), LINES));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await count()).toBe(before);
    expect((await post(formatBatch(envelope(), LINES))).status).toBe(202);
  });

  it('a body in many small chunks is read whole', async () => {
    const body = gzipSync(formatBatch(envelope({ stream: 'chunks' }), LINES.repeat(2000)));
    const { hostname, port } = new URL(api.url);
    const headers = { ...GZIP, authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' };
    const req = request({ hostname, port, path: '/ingest/v1/batches', method: 'POST', headers });
    for (let i = 0; i < body.length; i += 97) req.write(body.subarray(i, i + 97));
    req.end();
    const [response] = (await once(req, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(202);
    expect(await count(`stream = 'chunks' AND payload_bytes = ${LINES.length * 2000}`)).toBe(1);
  });
});

describe('whatever comes in', () => {
  it('is answered, and never as our fault', async () => {
    const whole = gzipSync(formatBatch(envelope({ stream: 'fuzz' }), LINES));
    const damage = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ by;
      return damaged;
    });
    const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length));
    const anything = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    const head = fc.json().map((json) => Buffer.from(`${json}\npayload`));
    const headers = fc.constantFrom(GZIP, {});
    await fc.assert(
      fc.asyncProperty(fc.oneof(damage, cut, anything, head), headers, async (body, headers) => {
        const { status, body: answer } = await post(body, { headers });
        expect([202, 400, 409]).toContain(status);
        if (status !== 202) expect(answer.error?.['code']).toMatch(/^(BAD_GZIP|BAD_ENVELOPE|UNKNOWN_FORMAT|CONFLICT)$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('closing', () => {
  it('answers a request under way, and takes no new one', async () => {
    const closing = await start();
    const { hostname, port } = new URL(closing.url);
    const headers = { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' };
    const req = request({ hostname, port, path: '/ingest/v1/batches', method: 'POST', headers });
    const [head = '', ...rest] = formatBatch(envelope({ stream: 'closing' }), LINES)
      .toString()
      .split('\n');
    const answered = once(req, 'response') as Promise<[IncomingMessage]>;
    req.write(`${head}\n`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = closing.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(fetch(`${closing.url}/healthz`)).rejects.toThrow();
    req.end(rest.join('\n'));
    const [response] = await answered;
    response.resume();
    expect(response.statusCode).toBe(202);
    await closed;
    expect(await count(`stream = 'closing'`)).toBe(1);
  });
});

describe('when something is away', () => {
  it.each([new Error('Redis is down'), 'hang' as const])('the queue (%p): 202 all the same', async (failure) => {
    queue.failure = failure;
    const answer = await post(formatBatch(envelope({ stream: 'no queue' }), LINES));
    expect(answer.status).toBe(202);
    expect(await count(`id = ${answer.body.batchId}`)).toBe(1);
  });

  it('Postgres: 503 with Retry-After, not ready, but alive', async () => {
    const gone: Database = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
    const away = await start({ database: gone });
    const answer = await post(formatBatch(envelope(), LINES), { to: away });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(answer.body.error).toMatchObject({ code: 'UNAVAILABLE' });
    expect((await fetch(`${away.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${away.url}/healthz`)).status).toBe(200);
    await gone.close();
  });

  it('Postgres for a moment: what was answered with 202 is there, and it goes on', async () => {
    const other = openDatabase(db.url, { max: 1 });
    const accepted: string[] = [];
    for (let round = 0; round < 5; round++) {
      const posts = Array.from({ length: 10 }, () => post(formatBatch(envelope({ stream: 'restart' }), LINES)));
      await other.pool.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      for (const { status, body } of await Promise.all(posts)) {
        expect([202, 503]).toContain(status);
        if (body.batchId !== undefined) accepted.push(body.batchId);
      }
    }
    expect((await post(formatBatch(envelope({ stream: 'restart' }), LINES))).status).toBe(202);
    const { rows } = await other.pool.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM raw_batch WHERE id = ANY ($1::bigint[])',
      [accepted],
    );
    expect(rows[0]?.n).toBe(accepted.length);
    await other.close();
  });

  it('nothing: ready', async () => {
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
  });
});

describe('GET /ingest/v1/status', () => {
  const status = async (query: string, as = token) => {
    const response = await fetch(`${api.url}/ingest/v1/status?${query}`, {
      headers: { authorization: `Bearer ${as}` },
    });
    return { code: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('counts how far batches have come', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      const { body } = await post(formatBatch(envelope({ cluster: 'progress' }), LINES));
      ids.push(body.batchId ?? '');
    }
    const [a, b, c] = ids;
    await db.pool.query(
      `INSERT INTO batch_stage (batch_id, stage, rows, rejects) VALUES ($1, 'store', 1, 2), ($1, 'correlate', 1, 0), ($2, 'store', 1, 1)`,
      [a, b],
    );
    await db.pool.query('UPDATE raw_batch SET attempts = 5 WHERE id = ANY ($1)', [[b, c]]);
    await db.pool.query('UPDATE raw_batch SET finished_at = now() WHERE id = $1', [a]);
    const all = { cluster: 'progress', batches: 4, stored: 2, correlated: 1, failing: 1, rejects: 3 };
    expect(await status('cluster=progress')).toEqual({ code: 200, body: all });
    const named = { ...all, batches: 2, stored: 1, failing: 1, rejects: 2 };
    expect(await status(`cluster=progress&batches=${a},${c}`)).toEqual({ code: 200, body: named });
    const later = { ...all, batches: 3, stored: 1, correlated: 0, rejects: 1 };
    expect(await status(`cluster=progress&since=${a}`)).toEqual({ code: 200, body: later });
    const none = { cluster: 'unheard', batches: 0, stored: 0, correlated: 0, failing: 0, rejects: 0 };
    expect(await status('cluster=unheard')).toEqual({ code: 200, body: none });
  });

  it.each(['', 'cluster=c&batches=1,x', 'cluster=c&since=-1', 'cluster=c&since=1&batches=1', 'cluster=a&cluster=b'])(
    'refuses ?%s',
    async (query) => {
      expect(await status(query)).toMatchObject({ code: 400, body: { error: { code: 'BAD_REQUEST' } } });
    },
  );

  it('needs the role', async () => {
    expect((await status('cluster=c1', viewer)).code).toBe(403);
  });
});
