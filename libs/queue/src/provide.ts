import path from 'node:path';
import type { JobBackend } from './backend.js';
import { findRedisProgram } from './redis/program.js';
import { startRedis } from './redis/server.js';

export interface ProvidedJobs {
  readonly backend: JobBackend;
  /** Does nothing to a server that was not started here. */
  stop(): Promise<void>;
}

export interface JobsWanted {
  /** REDIS_URL. */
  readonly redisUrl?: string | undefined;
  /** WHYDROP_JOBS: no choice is made. */
  readonly only?: 'redis' | 'postgres' | undefined;
  /** Where the jobs go when there is no Redis. */
  readonly databaseUrl: string;
  readonly dataHome: string;
  /** Where a Redis server is looked for: PATH. */
  readonly searchPath?: string;
  readonly log?: (line: string) => void;
}

const HINT = 'apt-get install redis-server, or brew install redis';

function inPostgres({ databaseUrl, log }: JobsWanted, why: string): ProvidedJobs {
  log?.(`jobs are kept in PostgreSQL: ${why}`);
  return { backend: { kind: 'postgres', url: databaseUrl }, stop: () => Promise.resolve() };
}

/** Where jobs live: REDIS_URL, else a Redis server of this machine started by us, else PostgreSQL. Says in one line what it chose. */
export async function provideJobs(wanted: JobsWanted): Promise<ProvidedJobs> {
  const { redisUrl: url, only, dataHome, searchPath = process.env['PATH'] ?? '', log } = wanted;
  if (only === 'postgres') return inPostgres(wanted, 'WHYDROP_JOBS says so');
  if (url !== undefined) {
    log?.(`jobs are kept in Redis of REDIS_URL: ${new URL(url).host}`);
    return { backend: { kind: 'redis', url }, stop: () => Promise.resolve() };
  }
  const program = findRedisProgram(searchPath);
  if (program === undefined) {
    if (only !== 'redis') return inPostgres(wanted, `no Redis server is installed (faster with one: ${HINT})`);
    throw new Error(`WHYDROP_JOBS is redis, but REDIS_URL is not set and no Redis server is installed: ${HINT}`);
  }
  const server = await startRedis({ program, dataDir: path.join(dataHome, 'redis'), ...(log && { log }) });
  return { backend: { kind: 'redis', url: server.url }, stop: () => server.stop() };
}
