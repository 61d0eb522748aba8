import { randomBytes } from 'node:crypto';
import { KNOWN_FORMATS } from '../../apps/api/src/known-formats.js';
import { startApi } from '../../apps/api/src/start.js';
import { WhydropClient } from '../../apps/cli/src/server/client.js';
import { startPipeline } from '../../apps/worker/src/start.js';
import { QUEUES } from '@whydrop/contracts';
import { type JobBackend, openQueue } from '@whydrop/queue';
import { createToken, type Database, openDatabase } from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';

export type Backend = 'redis' | 'postgres';

/** Everything, in this process, on a database and a job store of its own. */
export interface Stack {
  readonly client: WhydropClient;
  readonly url: string;
  readonly token: string;
  readonly database: Database;
  readonly databaseUrl: string;
  readonly backend: JobBackend;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  stop(): Promise<void>;
}

function jobBackend(kind: Backend, databaseUrl: string): JobBackend {
  if (kind === 'postgres') return { kind, url: databaseUrl };
  const url = process.env['WHYDROP_TEST_REDIS_URL'];
  if (url === undefined)
    throw new Error('WHYDROP_TEST_REDIS_URL is not set: npm test starts a Redis when there is one');
  return { kind, url, prefix: `t${randomBytes(6).toString('hex')}` };
}

/** The backends that this run can be held against: both in CI, and on every machine that has a Redis server. */
export function backends(): readonly Backend[] {
  if (process.env['WHYDROP_TEST_REDIS_URL'] !== undefined) return ['redis', 'postgres'];
  if (process.env['CI'] === 'true') throw new Error('no Redis for the tests: apt-get install redis-server');
  process.stderr.write('the Redis half is left out: no Redis server is installed\n');
  return ['postgres'];
}

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function startStack(kind: Backend, options: { readonly worker?: boolean } = {}): Promise<Stack> {
  const { url: databaseUrl, drop } = await testDatabase();
  const database = openDatabase(databaseUrl);
  const backend = jobBackend(kind, databaseUrl);
  const [storeQueue, correlateQueue] = [openQueue(backend, QUEUES.store), openQueue(backend, QUEUES.correlate)];
  const now = () => Date.now() * 1000;
  const steps = { database, storeQueue, correlateQueue, log: SILENT, now, backend, sweepEveryMs: 500 };
  let worker: { close(): Promise<void> } | undefined;
  const startWorker = async () => {
    worker ??= await startPipeline(steps);
  };
  const stopWorker = async () => {
    await worker?.close();
    worker = undefined;
  };
  const api = await startApi({ database, storeQueue, knownFormats: KNOWN_FORMATS, port: 0 });
  const { text: token } = await createToken(database, { name: 'test', role: 'admin' });
  if (options.worker !== false) await startWorker();
  return {
    client: new WhydropClient(api.url, token),
    url: api.url,
    token,
    database,
    databaseUrl,
    backend,
    startWorker,
    stopWorker,
    stop: async () => {
      await api.close();
      await stopWorker();
      await Promise.all([storeQueue.close(), correlateQueue.close()]);
      await database.close();
      await drop();
    },
  };
}

/** Everything a reader can see of the stored drops and groups, in a stable order: equal texts, equal rows. */
export async function storedResult(database: Database): Promise<string> {
  const drops = await database.pool.query(
    `SELECT id, first_seen_at, last_seen_at, group_id, explanation_id, host(source) AS source, source_port, host(destination) AS destination,
            destination_port, protocol, attempts, packets, detail FROM "drop" ORDER BY first_seen_at, id`,
  );
  const groups = await database.pool.query(
    `SELECT id, verdict, cause, direction, basis, source_name, destination_name, destination_port, policies, first_seen_at, last_seen_at,
            drops, attempts, packets, explanation_id FROM drop_group ORDER BY id`,
  );
  const counted = await database.pool.query(
    'SELECT id, group_id, from_time, to_time, node, packets, attributed, is_lower_bound, facts FROM counted_drop ORDER BY to_time, id',
  );
  const rollups = await database.pool.query(
    `SELECT 'minute' AS level, * FROM drop_minute UNION ALL SELECT 'hour', * FROM drop_hour
     UNION ALL SELECT 'day', * FROM drop_day ORDER BY level, bucket, group_id`,
  );
  const countedGroups = await database.pool.query('SELECT * FROM counted_group ORDER BY id');
  const asText = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
  const told = { drops: drops.rows, groups: groups.rows, counted: counted.rows };
  return JSON.stringify({ ...told, rollups: rollups.rows, countedGroups: countedGroups.rows }, asText, 1);
}
