import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../libs/storage/src/migrate/index.js';
import { createToken } from '../../libs/storage/src/tokens/index.js';
import { freePort } from '../../libs/embedded/src/index.js';
import { openDatabase } from '../../libs/storage/src/database.js';
import { findRedisProgram } from '../../libs/queue/src/redis/program.js';
import { OwnDisk } from './own-disk.js';
import { PostgresServer } from './postgres-server.js';
import { Proxy } from './proxy.js';
import { RedisServer } from './redis-server.js';
import { ServerProcess } from './server-process.js';

export interface WorldPlan {
  /** Root of a built checkout whose program is put to the test. */
  readonly product: string;
  readonly appendOnly: boolean;
  readonly apiUp?: boolean;
  /** The data of PostgreSQL on a disk of their own, which can be filled: MiB of memory. */
  readonly databaseDiskMib?: number;
}

/** Everything a run needs, on ports and folders of its own. */
export interface World {
  readonly dir: string;
  readonly product: string;
  readonly postgres: PostgresServer;
  /** Absent unless it was asked for, and where we may not mount. */
  readonly databaseDisk: OwnDisk | undefined;
  readonly redis: RedisServer;
  readonly api: ServerProcess;
  readonly worker: ServerProcess;
  /** Between senders and API; between API or worker and PostgreSQL or Redis. */
  readonly network: { readonly api: Proxy; readonly postgres: Proxy; readonly redis: Proxy };
  readonly token: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Past the proxies. */
  readonly query: <T extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]) => Promise<readonly T[]>;
  stop(): Promise<void>;
}

function throughPort(url: string, port: number): string {
  return Object.assign(new URL(url), { port: String(port) }).href;
}

async function prepareDatabase(product: string, url: string): Promise<string> {
  await migrate(url, path.join(product, 'prisma/migrations'));
  const database = openDatabase(url);
  const { text } = await createToken(database, { name: 'survival', role: 'admin' });
  await database.close();
  return text;
}

function redisProgram(): string {
  const program = findRedisProgram(process.env['PATH'] ?? '');
  if (program === undefined) throw new Error('no Redis server is installed: apt-get install redis-server');
  return program;
}

/** Is anybody listening? */
export async function reachable(url: string, milliseconds = 20_000): Promise<void> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(50)) {
    const answer = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error(`${url} is not ready after ${milliseconds / 1000} s`);
}

const isGone = (error: unknown) => error instanceof Error;

/** Queries that wait until PostgreSQL is there again. */
function patientQuery(url: string): { query: World['query']; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 2_000, query_timeout: 30_000 });
  pool.on('error', () => undefined);
  const query = async <T extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) => {
    for (const end = Date.now() + 40_000; ; await sleep(50)) {
      try {
        return (await pool.query<T>(sql, [...values])).rows;
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (!isGone(error) || /^(42|22)/.test(code) || Date.now() > end) throw error;
      }
    }
  };
  return { query, close: () => pool.end() };
}

export async function openWorld({ product, appendOnly, apiUp = true, databaseDiskMib }: WorldPlan): Promise<World> {
  const dir = mkdtempSync(path.join(tmpdir(), 'whydrop-survival-'));
  const at = (name: string) => path.join(dir, name);
  // As root PostgreSQL runs as another user, who has to pass through.
  chmodSync(dir, 0o711);
  mkdirSync(at('postgres'));
  const databaseDisk = databaseDiskMib === undefined ? undefined : OwnDisk.mount(at('postgres'), databaseDiskMib);
  const postgres = new PostgresServer(at('postgres'));
  const redis = new RedisServer(redisProgram(), at('redis'), await freePort(), appendOnly);
  const started: (() => Promise<unknown> | void)[] = [
    () => databaseDisk?.takeAway(),
    () => redis.stop(),
    () => postgres.stop(),
  ];
  const killOnExit = () => {
    for (const child of [api, worker, redis, postgres]) child?.signal('SIGKILL');
  };
  let api: ServerProcess | undefined;
  let worker: ServerProcess | undefined;
  process.once('exit', killOnExit);
  try {
    await postgres.start();
    redis.start();
    await redis.ready();
    const token = await prepareDatabase(product, postgres.url);
    const apiPort = await freePort();
    const network = {
      api: await new Proxy(apiPort).listen(),
      postgres: await new Proxy(postgres.port).listen(),
      redis: await new Proxy(redis.port).listen(),
    };
    started.push(() => Object.values(network).forEach((proxy) => proxy.close()));
    const environment: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_OPTIONS: '--unhandled-rejections=strict',
      DATABASE_URL: throughPort(postgres.url, network.postgres.port),
      REDIS_URL: `redis://127.0.0.1:${network.redis.port}`,
      WHYDROP_DATA: at('home'),
    };
    const main = (app: string, env: NodeJS.ProcessEnv = {}) =>
      new ServerProcess({
        name: app,
        command: process.execPath,
        args: [path.join(product, `dist/apps/${app}/src/main.js`)],
        env: { ...environment, ...env },
        log: at(`${app}.log`),
      });
    const reader = patientQuery(postgres.url);
    started.push(() => reader.close());
    const [made, working] = [main('api', { PORT: String(apiPort) }), main('worker')];
    [api, worker] = [made, working];
    started.push(() => Promise.all([made.stop(), working.stop()]));
    if (apiUp) {
      made.start();
      working.start();
      await reachable(`http://127.0.0.1:${network.api.port}`, 90_000);
    }
    const stop = async () => {
      for (const end of started.toReversed()) await end();
      process.removeListener('exit', killOnExit);
      if (process.env['WHYDROP_SURVIVAL_KEEP'] === undefined) rmSync(dir, { recursive: true, force: true });
    };
    return {
      dir,
      product,
      postgres,
      databaseDisk,
      redis,
      api: made,
      worker: working,
      network,
      token,
      environment,
      query: reader.query,
      stop,
    };
  } catch (error) {
    for (const end of started.toReversed()) await end();
    throw error;
  }
}
