import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import fastify from 'fastify';
import pg from 'pg';
import { createToken, type Database, migrate, openDatabase, startEmbeddedPostgres } from '@whydrop/storage';
import { startApi } from '../apps/api/src/start.js';
import { ensurePartitions } from '../libs/storage/src/write/partitions.js';

// What a list of 100 drops costs over GraphQL, against a bare handler that answers the same bytes: the server has one core, and
// Postgres and the clients share the other. First as fast as 64 clients can ask, then at a rate that leaves all of them room.
const ROOT = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    serve: { type: 'string' },
    database: { type: 'string' },
    drops: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '64' },
    rate: { type: 'string', default: '100' },
    profile: { type: 'string' },
  },
});
const [DROPS, SECONDS, ROUNDS] = [Number(options.drops), Number(options.seconds), Number(options.rounds)];
const [CLIENTS, RATE] = [Number(options.clients), Number(options.rate)];
const [SERVER_CORE, OTHER_CORE] = ['0', '1'];
const FIRST = 100;
const NAMESPACES = 20;

const GROUPS = `
  INSERT INTO drop_group
  SELECT 'g' || i, 1, 'dropped', (ARRAY['POLICY_DEFAULT_DENY', 'POLICY_EXPLICIT_DENY', 'CT_INVALID'])[1 + i % 3], 'ingress', 'observed',
         'TCP', 443, 'Deployment', 'ns' || i % ${NAMESPACES}, 'client' || i, 'Deployment', 'ns' || i % ${NAMESPACES}, 'server' || i, 'node' || i % 50,
         ARRAY['NetworkPolicy/ns' || i % ${NAMESPACES} || '/policy' || i % 100], now() - interval '1 day', now(), 1, 1, 1, 'x'
    FROM generate_series(0, 399) i`;

const DROP_ROWS = `
  INSERT INTO "drop"
  SELECT now() - (i::float8 / ${DROPS}) * interval '1 day', md5(i::text), now(), 1, 'g' || i % 400, 'x', i, '10.1.0.0'::inet + i % 65000,
         1024 + i % 60000, '10.2.0.0'::inet + i % 500, 443, 'TCP', 1, 3,
         jsonb_build_object('source', jsonb_build_object('ip', '10.1.0.1', 'role', 'pod', 'label', 'client' || i % 400),
           'destination', jsonb_build_object('ip', '10.2.0.1', 'role', 'pod', 'label', 'server' || i % 400),
           'evidence', jsonb_build_array(jsonb_build_object('channel', 'nflog', 'node', 'node' || i % 50, 'at', 1, 'raw', repeat('x', 200))),
           'sentence', 'client' || i % 400 || ' -> server' || i % 400 || ':443/TCP was dropped on ingress.')
    FROM generate_series(0, ${DROPS - 1}) i`;

async function fill(database: Database): Promise<void> {
  await database.pool.query(`INSERT INTO cluster (name) VALUES ('bench')`);
  await database.pool.query(`INSERT INTO explanation (id, body) VALUES ('x', '{}')`);
  const now = Date.now() * 1000;
  await ensurePartitions(database, 'drop', [now, now - 86_400_000_000], now);
  for (const sql of [GROUPS, DROP_ROWS, 'VACUUM ANALYZE']) await database.pool.query(sql);
}

const QUERY = `query($namespace: String!) {
  drops(filter: {timeRange: {last: "P2D"}, namespace: {eq: $namespace}}, first: ${FIRST}) {
    nodes { key firstSeenAt cause verdict direction protocol destinationPort attempts packets sentence source { label } destination { label } }
  }
}`;

/** What somebody would write who has this one list to answer and nothing else. */
const BARE = `
  SELECT d.id AS key, d.first_seen_at AS "firstSeenAt", g.cause, upper(g.verdict) AS verdict, upper(g.direction) AS direction,
         d.protocol, d.destination_port AS "destinationPort", d.attempts, d.packets, d.detail ->> 'sentence' AS sentence,
         json_build_object('label', d.detail #>> '{source,label}') AS source,
         json_build_object('label', d.detail #>> '{destination,label}') AS destination
    FROM "drop" d JOIN drop_group g ON g.id = d.group_id
   WHERE d.first_seen_at >= now() - interval '2 days' AND g.verdict IN ('dropped', 'rejected')
     AND (g.source_namespace = $1 OR g.destination_namespace = $1)
   ORDER BY d.first_seen_at DESC, d.id DESC LIMIT ${FIRST}`;

async function serveBare(url: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: url, max: 10, options: '-c timezone=UTC' });
  const server = fastify();
  server.post('/graphql', async (request) => {
    const { variables } = request.body as { readonly variables: { readonly namespace: string } };
    const { rows } = await pool.query<object>({ name: 'list', text: BARE, values: [variables.namespace] });
    return { data: { drops: { nodes: rows } } };
  });
  return server.listen({ port: 0, host: '127.0.0.1' });
}

async function serveGraphql(url: string): Promise<string> {
  const queryLimits = { costPerSecond: 1e12, costBurst: 1e12 };
  const database = openDatabase(url);
  const storeQueue = { enqueue: () => Promise.resolve() };
  return (await startApi({ database, storeQueue, knownFormats: [], port: 0, queryLimits })).url;
}

interface Served {
  readonly url: string;
  /** Milliseconds of processor time it took so far. */
  readonly cpu: () => number;
  stop(): Promise<void>;
}

/** User and system time of a process, of which the kernel counts a hundredth of a second at a time. */
function cpuMillis(pid: number): number {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ', 2)[1]?.split(' ') ?? [];
  return (Number(words[11]) + Number(words[12])) * 10;
}

/** A server in a process of its own, on the core that is its. */
async function startServer(kind: string, database: string): Promise<Served> {
  const profile = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}/${kind}`];
  const own = [import.meta.filename, '--serve', kind, '--database', database];
  const words = ['-c', SERVER_CORE, process.execPath, ...profile, ...own];
  const child: ChildProcess = spawn('taskset', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no output');
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the ${kind} server ended`)));
  ended.catch(() => undefined);
  const [url] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { url, cpu: () => cpuMillis(child.pid ?? 0), stop };
}

interface Cannon {
  on(event: 'response', listener: (client: unknown, status: number, bytes: number, millis: number) => void): void;
  then: Promise<{ readonly errors: number; readonly timeouts: number }>['then'];
}
type Autocannon = (options: object) => Cannon;
const { default: autocannon } = (await import('autocannon' as string)) as { readonly default: Autocannon };

interface Figures {
  /** Milliseconds of the server's processor per list: what others do on the machine does not count. */
  readonly cpu: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const headersOf = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
const bodyFor = (i: number) => JSON.stringify({ query: QUERY, variables: { namespace: `ns${i % NAMESPACES}` } });

function figuresOf(times: readonly number[], cpu: number, seconds: number): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { cpu: cpu / times.length, perSecond: times.length / seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

async function askOnce(url: string, agent: Agent, token: string, body: string): Promise<void> {
  const asked = request(`${url}/graphql`, { method: 'POST', agent, headers: headersOf(token) });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
}

/** Lists that are asked for at random moments, so many a second on average, whether those before are answered or not. */
async function pace({ url, cpu }: Served, token: string, seconds: number, rate: number): Promise<Figures> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const [times, under]: [number[], Promise<void>[]] = [[], []];
  const [before, begun] = [cpu(), performance.now()];
  let due = begun;
  for (let i = 0; due < begun + seconds * 1000; i++) {
    due -= (Math.log(1 - Math.random()) / rate) * 1000;
    await sleep(Math.max(0, due - performance.now()));
    const asked = performance.now();
    under.push(askOnce(url, agent, token, bodyFor(i)).then(() => void times.push(performance.now() - asked)));
  }
  await Promise.all(under);
  agent.destroy();
  return figuresOf(times, cpu() - before, seconds);
}

/** Asks for lists of one namespace after the other. Any answer but 200 ends the run. */
async function fire({ url, cpu }: Served, token: string, seconds: number): Promise<Figures> {
  const requests = Array.from({ length: NAMESPACES }, (_, i) => ({
    ...{ method: 'POST', path: '/graphql', headers: headersOf(token) },
    body: bodyFor(i),
  }));
  const before = cpu();
  const run = autocannon({ url, connections: CLIENTS, duration: seconds, requests });
  const times: number[] = [];
  const others = new Map<number, number>();
  run.on('response', (_client, status, _bytes, millis) => {
    if (status === 200) times.push(millis);
    else others.set(status, (others.get(status) ?? 0) + 1);
  });
  const { errors, timeouts } = await run;
  if (others.size + errors + timeouts > 0)
    throw new Error(`not all answered: ${JSON.stringify([...others])}, ${errors} errors, ${timeouts} timeouts`);
  return figuresOf(times, cpu() - before, seconds);
}

const ms = (value: number) => value.toFixed(1).padStart(8);
const show = (name: string, { cpu, perSecond, p50, p95, p99 }: Figures) =>
  console.log(
    `${name.padEnd(34)}${perSecond.toFixed(0).padStart(7)}/s  p50${ms(p50)}  p95${ms(p95)}  p99${ms(p99)} ms  processor ${cpu.toFixed(2)} ms a list`,
  );

async function bodyOf(url: string, token: string): Promise<readonly object[]> {
  const response = await fetch(`${url}/graphql`, {
    ...{ method: 'POST', headers: headersOf(token) },
    body: bodyFor(3),
  });
  const answer = (await response.json()) as {
    readonly data?: { readonly drops: { readonly nodes: readonly object[] } };
  };
  if (!answer.data) throw new Error(JSON.stringify(answer));
  // JavaScript's dates end at milliseconds; the bare handler has those
  return answer.data.drops.nodes.map((node) => ({
    ...node,
    firstSeenAt: Date.parse((node as { firstSeenAt: string }).firstSeenAt),
  }));
}

async function compare(graphql: Served, bare: Served, token: string): Promise<void> {
  const [one, other] = [await bodyOf(graphql.url, token), await bodyOf(bare.url, token)];
  if (one.length !== FIRST || JSON.stringify(one) !== JSON.stringify(other)) {
    throw new Error(`not the same rows: ${JSON.stringify(one[0])} and ${JSON.stringify(other[0])}`);
  }
  // Until the compiler has seen it all
  for (const server of [graphql, bare]) await fire(server, token, 10);
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [ours, theirs] = [await fire(graphql, token, SECONDS), await fire(bare, token, SECONDS)];
    show('GraphQL, as fast as they can', ours);
    show('bare, as fast as they can', theirs);
    ratios.push(ours.cpu / theirs.cpu);
  }
  show(`GraphQL, ${RATE} lists a second`, await pace(graphql, token, SECONDS, RATE));
  show(`bare, ${RATE} lists a second`, await pace(bare, token, SECONDS, RATE));
  const middle = ratios.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
  console.log(
    `processor time of a list against the bare handler's: ${middle.toFixed(2)} (${ratios.map((r) => r.toFixed(2)).join(', ')})`,
  );
}

async function main(): Promise<void> {
  execFileSync('taskset', ['-apc', OTHER_CORE, String(process.pid)], { stdio: 'ignore' });
  const dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir, ephemeral: true });
  await migrate(postgres.url, path.join(ROOT, 'prisma/migrations'));
  const database = openDatabase(postgres.url);
  const started: Served[] = [];
  try {
    await fill(database);
    const { text: token } = await createToken(database, { name: 'bench', role: 'viewer' });
    for (const kind of ['graphql', 'bare']) started.push(await startServer(kind, postgres.url));
    console.log(`${CLIENTS} clients, lists of ${FIRST} out of ${DROPS.toLocaleString('en')} drops`);
    const [graphql, bare] = started;
    if (graphql && bare) await compare(graphql, bare, token);
  } finally {
    for (const server of started) await server.stop();
    await database.close();
    await postgres.stop();
  }
}

if (options.serve === undefined) await main();
else {
  console.log(await (options.serve === 'bare' ? serveBare : serveGraphql)(options.database ?? ''));
  // An orderly end, so that a profile is written.
  process.once('SIGTERM', () => process.exit(0));
}
