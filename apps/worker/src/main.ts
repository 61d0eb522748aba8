import { QUEUES } from '@whydrop/contracts';
import { type JobBackend, openQueue } from '@whydrop/queue';
import { openDatabase } from '@whydrop/storage';
import { openLog } from '@whydrop/telemetry';
import { startPipeline } from './start.js';

/** Redis is the road under load; without REDIS_URL jobs live in the database. */
function jobBackend(databaseUrl: string): JobBackend {
  const redis = process.env['REDIS_URL'];
  return redis === undefined ? { kind: 'postgres', url: databaseUrl } : { kind: 'redis', url: redis, ...prefix() };
}

/** Several installations can share a Redis. */
function prefix(): { readonly prefix?: string } {
  const prefix = process.env['WHYDROP_QUEUE_PREFIX'];
  return prefix === undefined ? {} : { prefix };
}

const databaseUrl = process.env['DATABASE_URL'];
if (databaseUrl === undefined) {
  process.stderr.write('DATABASE_URL is not set; whydrop up brings a database of its own\n');
  process.exit(2);
}
const log = openLog({ name: 'whydrop-worker' });
const database = openDatabase(databaseUrl);
const backend = jobBackend(databaseUrl);
const queues = [QUEUES.store, QUEUES.correlate].map((name) => openQueue(backend, name));
const [storeQueue, correlateQueue] = queues as [(typeof queues)[number], (typeof queues)[number]];
const now = () => Date.now() * 1000;
const worker = await startPipeline({ database, storeQueue, correlateQueue, backend, log, now });
log.info({ backend: backend.kind }, 'working');

async function stop(): Promise<void> {
  log.info('stopping: running jobs end first');
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
