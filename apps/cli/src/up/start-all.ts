import { readFileSync } from 'node:fs';
import path from 'node:path';
import { securityOf } from '../../../api/src/auth/settings.js';
import { KNOWN_FORMATS } from '../../../api/src/known-formats.js';
import { startApi } from '../../../api/src/start.js';
import { deliveryOptions } from '../../../worker/src/deliver.js';
import { startPipeline } from '../../../worker/src/start.js';
import { QUEUES } from '@whydrop/contracts';
import { type JobsWanted, openQueue, provideJobs } from '@whydrop/queue';
import {
  createToken,
  listTokens,
  migrate,
  openDatabase,
  parseRetention,
  provideDatabase,
  revokeToken,
  type Database,
} from '@whydrop/storage';
import { dataHome, openLog } from '@whydrop/telemetry';
import { UsageError } from '../errors.js';
import { databaseUrlOf, onDatabase } from '../server/database-fault.js';
import { removeServerFile, writeServerFile } from '../server/server-file.js';

export interface StartWords {
  readonly host: string;
  readonly port: number;
  /** One line each about what is started, for the person at the terminal. */
  readonly log: (line: string) => void;
}

export interface Running {
  readonly url: string;
  readonly token: string;
  /** Stops everything in order: doors, consumers, queues, database; nothing is left behind. */
  stop(): Promise<void>;
}

const ROOT = path.resolve(import.meta.dirname, '../../../../..');
const LOCAL_TOKEN = 'commands on this machine';

/** A token for the commands and the page of this machine; the one of the last start is revoked. */
async function localToken(database: Database): Promise<string> {
  for (const token of await listTokens(database)) {
    if (token.name === LOCAL_TOKEN && token.revokedAt === undefined) await revokeToken(database, token.id);
  }
  return (await createToken(database, { name: LOCAL_TOKEN, role: 'admin' })).text;
}

/** What was started so far, to be stopped in the opposite order, also when a later start fails. */
class Started {
  private readonly stops: (() => Promise<unknown>)[] = [];

  add<T>(value: T, stop: () => Promise<unknown>): T {
    this.stops.push(stop);
    return value;
  }

  async stopAll(): Promise<void> {
    for (const stop of this.stops.splice(0).toReversed()) await stop();
  }
}

function jobsWanted(): Pick<JobsWanted, 'redisUrl' | 'only'> {
  const only = process.env['WHYDROP_JOBS'];
  if (only !== undefined && only !== 'redis' && only !== 'postgres') {
    throw new UsageError(`WHYDROP_JOBS is '${only}': it must be redis or postgres`);
  }
  return { redisUrl: process.env['REDIS_URL'], only };
}

async function start(words: StartWords, started: Started): Promise<Running> {
  const home = dataHome();
  const { log } = words;
  const provided = await provideDatabase({ databaseUrl: databaseUrlOf(process.env), dataHome: home, log });
  started.add(provided, () => provided.stop());
  const { applied } = await onDatabase(provided.url, () =>
    migrate(provided.url, path.join(ROOT, 'prisma', 'migrations')),
  );
  if (applied.length > 0) log(`database: ${applied.length} migration${applied.length === 1 ? '' : 's'} applied`);
  const jobs = await provideJobs({ ...jobsWanted(), databaseUrl: provided.url, dataHome: home, log });
  started.add(jobs, () => jobs.stop());
  const database = openDatabase(provided.url);
  started.add(database, () => database.close());
  const [storeQueue, correlateQueue] = [QUEUES.store, QUEUES.correlate].map((name) => openQueue(jobs.backend, name));
  if (!storeQueue || !correlateQueue) throw new Error('no queues');
  started.add(storeQueue, () => Promise.all([storeQueue.close(), correlateQueue.close()]));
  const logger = openLog({ name: 'whydrop', level: 'warn' });
  const now = () => Date.now() * 1000;
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const own = words.port === 0 ? undefined : `http://${words.host}:${words.port}`;
  const delivery = deliveryOptions(process.env, () => home, version, own);
  const retention = parseRetention(process.env);
  const steps = { database, storeQueue, correlateQueue, backend: jobs.backend, log: logger, now, delivery, retention };
  const worker = await startPipeline(steps);
  started.add(worker, () => worker.close());
  const webRoot = path.join(ROOT, 'apps', 'web', 'dist');
  const { host, port } = words;
  const api = await startApi({
    database,
    storeQueue,
    knownFormats: KNOWN_FORMATS,
    host,
    port,
    log: logger,
    webRoot,
    ...securityOf(process.env),
    secrets: delivery.box,
  });
  started.add(api, () => api.close());
  const token = await localToken(database);
  await writeServerFile({ pid: process.pid, url: api.url, token, databaseUrl: provided.url });
  started.add(undefined, () => removeServerFile());
  return { url: api.url, token, stop: () => started.stopAll() };
}

/** Starts everything in this process, on what is configured or on embedded defaults. */
export async function startAll(words: StartWords): Promise<Running> {
  const started = new Started();
  try {
    return await start(words, started);
  } catch (error) {
    await started.stopAll();
    throw error;
  }
}
