import path from 'node:path';
import { QUEUES } from '@whydrop/contracts';
import { jobBackendOf, openQueue } from '@whydrop/queue';
import { migrateWhenAvailable, openDatabase, openSecretBox } from '@whydrop/storage';
import { dataHome, openLog } from '@whydrop/telemetry';
import { securityOf } from './auth/settings.js';
import { queryListOf } from './graphql/server/persisted-queries.js';
import { KNOWN_FORMATS } from './known-formats.js';
import { DEFAULT_PORT, startApi } from './start.js';

const MIGRATIONS = path.resolve(import.meta.dirname, '../../../../prisma/migrations');

/** The API as a process of its own. Settings come from the environment; see README.md. */
function environment() {
  const { DATABASE_URL: databaseUrl, PORT: port, HOST: host, GRAPHIQL: graphiql } = process.env;
  if (databaseUrl === undefined)
    throw new Error('DATABASE_URL is not set: where is PostgreSQL? (postgres://user:password@host/database)');
  const jobs = jobBackendOf(process.env, databaseUrl);
  const number = port === undefined || port === '' ? DEFAULT_PORT : Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new Error(`PORT is ${port}: it must be a port number`);
  return { databaseUrl, jobs, port: number, host: host ?? '127.0.0.1', graphiql: graphiql === '1' };
}

const log = openLog({ name: 'api' });
const { databaseUrl, jobs, port, host, graphiql } = environment();
// Whichever process is first brings the database up to date; the others wait for it and find nothing left to do.
const onWait = (error: unknown) => log.warn({ error: String(error) }, 'waiting for PostgreSQL');
await migrateWhenAvailable(databaseUrl, MIGRATIONS, { onWait });
const database = openDatabase(databaseUrl);
const storeQueue = openQueue(jobs, QUEUES.store);
const api = await startApi({
  database,
  storeQueue,
  knownFormats: KNOWN_FORMATS,
  log,
  port,
  host,
  graphiql,
  ...securityOf(process.env),
  ...queryListOf(process.env['WHYDROP_QUERIES']),
  secrets: openSecretBox(process.env, dataHome),
});
log.info({ url: api.url }, 'the API is ready');

let stopping = false;

/** Requests under way are answered first, then connections close; a second signal ends at once. */
async function stop(signal: string): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  log.info({ signal }, 'stopping');
  await api.close();
  await storeQueue.close();
  await database.close();
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => void stop(signal));
}
