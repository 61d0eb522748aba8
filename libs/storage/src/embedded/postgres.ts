import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { choosePort, guard, Users } from '@whydrop/embedded';
import pg from 'pg';
import { findBinaries, type Binaries } from './binaries.js';
import { initialise, readPassword } from './cluster.js';
import { findPostmaster, STOPPING, stopPostmaster } from './postmaster.js';
import { PROGRAM_ENV, runProgram } from './program.js';
import { serverUser, type ServerUser } from './server-user.js';

export interface EmbeddedPostgresOptions {
  /** Folder of this server: its data, log, port. Made when missing. As root the server's user must be able to reach it. */
  readonly dataDir: string;
  /** Must be free. Without it the port of the last start, or any. */
  readonly port?: number;
  readonly log?: (line: string) => void;
  /** Removes `dataDir` when the server is stopped. */
  readonly ephemeral?: boolean;
  /** For test suites: a crash may cost everything, nothing waits for the disk. */
  readonly unsafeFast?: boolean;
}

export interface EmbeddedPostgres {
  /** Of the database `whydrop`, with the user `postgres` and its password. */
  readonly url: string;
  readonly port: number;
  /** The server ran already: left behind by a killed process, or in use by another. */
  readonly reused: boolean;
  /** Stops the server, unless another process works with it. Stop it last. */
  stop(): Promise<void>;
}

const DATABASE = 'whydrop';
const START_MS = 60_000;
const LAUNCHES = 4;

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'timezone=UTC',
  'log_timezone=UTC',
  'shared_buffers=256MB',
  'max_wal_size=2GB',
  'log_checkpoints=off',
];
const UNSAFE_SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

interface Launch {
  readonly port: number;
  /** What it said when it ended, undefined while it runs. */
  failure(): string | undefined;
}

interface Place {
  readonly dir: string;
  readonly data: string;
  readonly user: ServerUser | undefined;
  readonly binaries: Binaries;
}

/** `detached`: Ctrl-C goes to the whole process group, and the database must outlive the work on it. */
function launch(place: Place, port: number, settings: readonly string[]): Launch {
  const log = path.join(place.dir, 'server.log');
  const fd = openSync(log, 'a', 0o600);
  const from = statSync(log).size;
  const args = ['-D', place.data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const stdio = ['ignore', fd, fd] as const;
  const child = spawn(place.binaries.postgres, args, {
    cwd: place.dir,
    env: PROGRAM_ENV,
    detached: true,
    stdio: [...stdio],
    ...place.user,
  });
  closeSync(fd);
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `it ended with ${signal ?? code}`));
  const said = () => readFileSync(log).subarray(from).toString('utf8').trim();
  return { port, failure: () => (ended === undefined ? undefined : said() || ended) };
}

const urlOf = (port: number, password: string, database: string) =>
  `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;

/** Makes the database when it is missing. False: the server is not ready yet. */
async function ready(data: string, port: number): Promise<boolean> {
  const connectionString = urlOf(port, readPassword(data), 'postgres');
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    if (rows[0]?.data_directory !== data) throw new Error(`port ${port} belongs to ${rows[0]?.data_directory}`);
    const known = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (known.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
    return true;
  } catch (error) {
    // Not listening yet, starting up or shutting down, or another start makes the database at this moment.
    const waiting = ['ECONNREFUSED', 'ECONNRESET', '57P03', '57P01', '42P04', '23505', '55006'];
    const { code, message } = error as { code?: string; message: string };
    if (waiting.includes(code ?? '') || /terminated|timeout/i.test(message)) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function nextPort(place: Place, options: EmbeddedPostgresOptions): Promise<number> {
  const memory = path.join(place.dir, 'port');
  const port = await choosePort(memory, options.port);
  writeFileSync(memory, String(port));
  return port;
}

/** Finds or starts the server of `place`. Several may try at once: PostgreSQL lets one win, the others find it. */
async function bringUp(place: Place, options: EmbeddedPostgresOptions): Promise<{ port: number; reused: boolean }> {
  const settings = [...SETTINGS, ...(options.unsafeFast ? UNSAFE_SETTINGS : [])];
  let own: Launch | undefined;
  let launches = 0;
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(15)) {
    const server = findPostmaster(place.data);
    if (server && (await ready(place.data, server.port)))
      return { port: server.port, reused: own?.port !== server.port };
    if (server || (own && own.failure() === undefined)) continue;
    if (launches === LAUNCHES)
      throw new Error(`PostgreSQL with data in ${place.data} does not start: ${own?.failure()}`);
    own = launch(place, await nextPort(place, options), settings);
    launches += 1;
  }
  throw new Error(
    `PostgreSQL with data in ${place.data} is not ready after ${START_MS / 1000} s: see server.log there`,
  );
}

/** The server's user has to pass through our folder, but not to read it. */
async function open(dir: string, user: ServerUser): Promise<void> {
  chmodSync(dir, 0o711);
  const entered = await runProgram('/bin/sh', ['-c', 'cd "$1"', 'sh', dir], '/', user);
  if (entered.ok) return;
  throw new Error(
    `user ${user.uid}, who runs PostgreSQL for root, cannot enter ${dir}: set WHYDROP_DATA to another folder`,
  );
}

async function start(options: EmbeddedPostgresOptions, dir: string): Promise<{ port: number; reused: boolean }> {
  const data = path.join(dir, 'data');
  const user = serverUser(data);
  if (user) await open(dir, user);
  const binaries = await findBinaries(dir, user);
  await initialise(data, binaries, user, options.unsafeFast ?? false);
  const server = await bringUp({ dir, data, user, binaries }, options);
  const how = server.reused ? 'was running' : 'started';
  options.log?.(`PostgreSQL ${binaries.version} ${how} on 127.0.0.1:${server.port}, data in ${dir}`);
  return server;
}

/**
 * A real PostgreSQL out of an npm package, for a machine that has none. Started when it does not run, found again when it does;
 * several processes may share it, the last one to call `stop` stops it. Nothing of it is reachable from outside the machine.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  mkdirSync(options.dataDir, { recursive: true });
  const dir = realpathSync(options.dataDir);
  const data = path.join(dir, 'data');
  serverUser(data);
  if (options.ephemeral) guard(dir, STOPPING);
  const users = new Users(path.join(dir, 'users'));
  users.enter();
  const stop = async () => {
    if (!users.leave()) return;
    await stopPostmaster(data);
    if (options.ephemeral) rmSync(dir, { recursive: true, force: true });
  };
  try {
    const { port, reused } = await start(options, dir);
    let stopped: Promise<void> | undefined;
    return { url: urlOf(port, readPassword(data), DATABASE), port, reused, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}
