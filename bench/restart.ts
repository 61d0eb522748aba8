import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { QUEUES, storeJobId } from '@whydrop/contracts';
import { freePort } from '@whydrop/embedded';
import { type JobQueue, openQueue } from '@whydrop/queue';
import { type Database, migrate, openDatabase, startEmbeddedPostgres } from '@whydrop/storage';
import { findRedisProgram } from '../libs/queue/src/redis/program.js';

// How long API and worker take until they are ready, and what the worker then gets through, when so many acknowledged batches
// are unprocessed; first with none. Redis is empty, or holds a job for each batch (--jobs), as when only the worker was away.
const ROOT = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    batches: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'boolean', default: false },
  },
});
const [BATCHES, SECONDS] = [Number(options.batches), Number(options.seconds)];
/** Batches of one moment, one every twenty seconds: a million are five and a half hours of a hundred nodes. */
const AT_ONCE = 1_000;
const EVERY_SECONDS = 20;
const NODES = 100;

/** A payload is put together by PostgreSQL: gzip members one behind the other are one gzip. */
const member = (text: string) => gzipSync(text, { level: 1 });

/** The parts that differ from moment to moment. */
function momentParts(at: number, moments: number, now: number) {
  const seconds = Math.floor(now / 1000) - (moments - at) * EVERY_SECONDS;
  return { at, seconds, clock: member(`[${seconds}.`), net: member(`${(at >> 8) & 255}.${at & 255}.`) };
}

/** The parts that differ from batch to batch of a moment; one connection in ten gets no answer. */
function batchParts(j: number) {
  const [micros, host, port] = [String(j * 1000).padStart(6, '0'), j % 250, 20_000 + j];
  const unanswered = j % 10 === 0;
  const event = unanswered ? '[NEW] tcp      6 120 SYN_SENT' : '[DESTROY] tcp      6';
  const head = member(`${micros}]\t    ${event} src=10.`);
  const middle = member(
    `${host} dst=172.16.0.9 sport=${port} dport=443 ${unanswered ? '[UNREPLIED] ' : ''}src=172.16.0.9 dst=10.`,
  );
  const tail = member(`${host} sport=443 dport=${port}${unanswered ? '' : ' [ASSURED]'} id=${j + 1}\n`);
  return { j, head, middle, tail };
}

const FILL = `
  INSERT INTO raw_batch (emitter_id, stream, epoch, sequence, format, first_line, attributes, payload, payload_bytes, sha256, received_at)
  SELECT e.id, 'conntrack.log', 1, m.at::int8 * ${AT_ONCE} + b.j, 'conntrack-events', 1, '{}', p.payload, 180, sha256(p.payload),
         to_timestamp(m.seconds + 1)
    FROM generate_series(1, $1) n
    JOIN moment m ON m.at = (n - 1) / ${AT_ONCE}
    JOIN part b ON b.j = (n - 1) % ${AT_ONCE}
    JOIN emitter e ON e.node = 'n' || b.j % ${NODES}
    CROSS JOIN LATERAL (SELECT m.clock || b.head || m.net || b.middle || m.net || b.tail AS payload) p
   ORDER BY n`;

async function fill({ pool }: Database, batches: number): Promise<void> {
  const moments = Math.ceil(batches / AT_ONCE);
  await pool.query(`INSERT INTO cluster (name) VALUES ('bench')`);
  await pool.query(
    `INSERT INTO emitter (cluster_id, node) SELECT id, 'n' || i FROM cluster, generate_series(0, ${NODES - 1}) i`,
  );
  await pool.query('CREATE TABLE moment (at int, seconds int8, clock bytea, net bytea)');
  await pool.query('CREATE TABLE part (j int, head bytea, middle bytea, tail bytea)');
  const now = Date.now();
  for (let at = 0; at < moments; at++) {
    const { seconds, clock, net } = momentParts(at, moments, now);
    await pool.query('INSERT INTO moment VALUES ($1, $2, $3, $4)', [at, seconds, clock, net]);
  }
  for (let number = 0; number < AT_ONCE; number++) {
    const { j, head, middle, tail } = batchParts(number);
    await pool.query('INSERT INTO part VALUES ($1, $2, $3, $4)', [j, head, middle, tail]);
  }
  await pool.query(FILL, [batches]);
  for (const sql of ['DROP TABLE moment, part', 'VACUUM ANALYZE', 'CHECKPOINT']) await pool.query(sql);
}

async function enqueueAll(queue: JobQueue, batches: number): Promise<void> {
  for (let first = 1; first <= batches; first += 5_000) {
    const ids = Array.from({ length: Math.min(5_000, batches - first + 1) }, (_, at) => String(first + at));
    await queue.enqueueAll(
      ids.map((batchId) => ({ name: 'store', jobId: storeJobId(batchId), data: { version: 1, batchId } })),
    );
  }
}

const children: ChildProcess[] = [];
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv, log: string): ChildProcess {
  const output = openSync(log, 'a');
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  children.push(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Until it says that it can work: by the clock, and the processor time that took. */
async function readyAfter(port: number, child: ChildProcess, begun: number): Promise<string> {
  while (child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    );
    const seconds = (performance.now() - begun) / 1000;
    if (answer?.status === 200) return `${seconds.toFixed(1)} s (${spent(child).toFixed(1)} s of processor time)`;
    await sleep(25);
  }
  throw new Error(`ended with exit code ${child.exitCode} before it was ready`);
}

/** The most memory that a process ever had, in MiB. */
function peak({ pid }: ChildProcess): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

/** Processor time of a process and its threads, in seconds. */
function spent({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface Progress {
  readonly stored: number;
  readonly worked: number;
}

async function progress({ pool }: Database): Promise<Progress> {
  const { rows } = await pool.query<Progress>(
    `SELECT count(*) FILTER (WHERE stage = 'store')::int AS stored, count(*) FILTER (WHERE stage = 'correlate')::int AS worked FROM batch_stage`,
  );
  return rows[0] ?? { stored: 0, worked: 0 };
}

async function observe(database: Database, queue: JobQueue, seconds: number): Promise<void> {
  let [most, last] = [0, await progress(database)];
  const begun = performance.now();
  for (let second = 1; second <= seconds; second++) {
    await sleep(Math.max(0, begun + second * 1000 - performance.now()));
    most = Math.max(most, (await queue.counts()).waiting);
    if (second % 10 !== 0) continue;
    const now = await progress(database);
    const rate = (key: keyof Progress) => `${Math.round((now[key] - last[key]) / 10)}/s`;
    console.log(
      `  after ${second} s: ${now.stored} stored (${rate('stored')}), ${now.worked} correlated (${rate('worked')})`,
    );
    last = now;
  }
  console.log(`  jobs that waited at once: ${most} at most`);
}

async function measure(dir: string, batches: number): Promise<void> {
  console.log(`${batches.toLocaleString('en')} unprocessed batches`);
  const server = await startEmbeddedPostgres({ dataDir: path.join(dir, `postgres-${batches}`), ephemeral: true });
  const program = findRedisProgram(process.env['PATH'] ?? '');
  if (program === undefined) throw new Error('no Redis server is installed: apt-get install redis-server');
  const [redisPort, apiPort, statusPort] = [await freePort(), await freePort(), await freePort()];
  const log = path.join(dir, 'processes.log');
  const redis = start(program, ['--port', String(redisPort), '--save', '', '--bind', '127.0.0.1'], {}, log);
  await migrate(server.url, path.join(ROOT, 'prisma', 'migrations'));
  const database = openDatabase(server.url);
  const url = `redis://127.0.0.1:${redisPort}`;
  const queue = openQueue({ kind: 'redis', url }, QUEUES.store);
  try {
    if (batches > 0) await fill(database, batches);
    if (options.jobs && batches > 0) await enqueueAll(queue, batches);
    const env = { DATABASE_URL: server.url, REDIS_URL: url, WHYDROP_DATA: path.join(dir, 'home') };
    const main = (app: string) => [path.join(ROOT, `dist/apps/${app}/src/main.js`)];
    const begun = performance.now();
    const api = start(process.execPath, main('api'), { ...env, PORT: String(apiPort) }, log);
    const worker = start(process.execPath, main('worker'), { ...env, STATUS_PORT: String(statusPort) }, log);
    const [ofApi, ofWorker] = await Promise.all([
      readyAfter(apiPort, api, begun),
      readyAfter(statusPort, worker, begun),
    ]);
    console.log(`  ready: API after ${ofApi}, worker after ${ofWorker}`);
    const before = spent(worker);
    if (batches > 0) await observe(database, queue, SECONDS);
    if (batches > 0) console.log(`  processor time of the worker: ${(spent(worker) - before).toFixed(1)} s`);
    console.log(`  most memory: API ${peak(api)} MiB, worker ${peak(worker)} MiB, Redis ${peak(redis)} MiB`);
    await Promise.all([end(api), end(worker)]);
  } finally {
    await queue.close();
    await database.close();
    await end(redis);
    await server.stop();
  }
}

const dir = mkdtempSync(path.join(tmpdir(), 'whydrop-restart-'));
// As root PostgreSQL runs as another user, who has to pass through.
chmodSync(dir, 0o711);
try {
  for (const batches of [0, BATCHES]) await measure(dir, batches);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
