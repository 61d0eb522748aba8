import { readFileSync } from 'node:fs';
import path from 'node:path';
import { QUEUES } from '@whydrop/contracts';
import { jobBackendOf, openQueue } from '@whydrop/queue';
import { migrateWhenAvailable, openDatabase, parseRetention, readStoredMetrics } from '@whydrop/storage';
import { dataHome, Health, openLog, openMetrics, serveStatus, StoredMetrics } from '@whydrop/telemetry';
import { deliveryOptions } from './deliver.js';
import { startPipeline } from './start.js';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const MIGRATIONS = path.join(ROOT, 'prisma', 'migrations');

const databaseUrl = process.env['DATABASE_URL'];
if (databaseUrl === undefined) {
  process.stderr.write('DATABASE_URL is not set; whydrop up brings a database of its own\n');
  process.exit(2);
}
const log = openLog({ name: 'whydrop-worker' });
// Whichever process is first brings the database up to date; the others wait for it and find nothing left to do.
const onWait = (error: unknown) => log.warn({ error: String(error) }, 'waiting for PostgreSQL');
await migrateWhenAvailable(databaseUrl, MIGRATIONS, { onWait });
const database = openDatabase(databaseUrl);
const backend = jobBackendOf(process.env, databaseUrl);
const queues = [QUEUES.store, QUEUES.correlate].map((name) => openQueue(backend, name));
const [storeQueue, correlateQueue] = queues as [(typeof queues)[number], (typeof queues)[number]];
const now = () => Date.now() * 1000;
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
const delivery = deliveryOptions(process.env, dataHome, version);
const retention = parseRetention(process.env);
const worker = await startPipeline({ database, storeQueue, correlateQueue, backend, log, now, delivery, retention });
/** Health and metrics of a process without an API, where somebody asks for them: STATUS_PORT. */
async function openStatus() {
  const { STATUS_PORT: port, STATUS_HOST: host = '127.0.0.1' } = process.env;
  if (port === undefined) return undefined;
  const health = new Health()
    .add('database', () => database.pool.query('SELECT 1'))
    .add('jobs', () => storeQueue.counts());
  const metrics = new StoredMetrics(openMetrics('worker'), { read: () => readStoredMetrics(database) });
  return serveStatus({ health, metrics, host, port: Number(port) });
}
const status = await openStatus();
log.info({ backend: backend.kind }, 'working');

async function stop(): Promise<void> {
  log.info('stopping: running jobs end first');
  await status?.close();
  await worker.close();
  await Promise.all(queues.map((queue) => queue.close()));
  await database.close();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.once(signal, () => process.exit(130));
    void stop();
  });
}
