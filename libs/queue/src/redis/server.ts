import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard, Users } from '@whydrop/embedded';
import { configFile, movedConfig, redisConfig, STOPPING, type RedisConfig } from './config.js';
import { probe, shutDown } from './probe.js';

export interface RedisServerOptions {
  /** The server's executable. */
  readonly program: string;
  /** Folder of its data, log, configuration. Made when missing. */
  readonly dataDir: string;
  readonly log?: (line: string) => void;
  /** Removes `dataDir` when the server is stopped. */
  readonly ephemeral?: boolean;
}

export interface RedisServer {
  readonly url: string;
  /** The server ran already: left behind by a killed process, or in use by another. */
  readonly reused: boolean;
  /** Stops the server, unless another process works with it. */
  stop(): Promise<void>;
}

const START_MS = 30_000;
const LAUNCHES = 3;

interface Launch {
  failure(): string | undefined;
}

/** `detached`: Ctrl-C goes to the whole process group, and Redis must outlive the work on it. */
function launch(program: string, dir: string): Launch {
  const log = path.join(dir, 'redis.log');
  const from = existsSync(log) ? statSync(log).size : 0;
  const args = [configFile(dir), '--dir', dir, '--logfile', log, '--pidfile', path.join(dir, STOPPING.pidFile)];
  const child = spawn(program, args, { cwd: dir, detached: true, stdio: 'ignore' });
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `it ended with ${signal ?? code}`));
  const said = () => (existsSync(log) ? readFileSync(log).subarray(from).toString('utf8').trim() : '');
  return { failure: () => (ended === undefined ? undefined : `${ended} ${said()}`.trim()) };
}

/** Finds or starts the server. Of several that try at once one gets the port of the common file, the others find it there. */
async function bringUp(program: string, dir: string): Promise<{ config: RedisConfig; reused: boolean }> {
  let config = await redisConfig(dir);
  let own: Launch | undefined;
  let launches = 0;
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(15)) {
    const answer = await probe(config, dir);
    if (answer === 'ours') return { config, reused: !own || own.failure() !== undefined };
    if (answer === 'foreign') config = await movedConfig(dir);
    if (answer === 'loading' || (own && own.failure() === undefined)) continue;
    if (launches === LAUNCHES) throw new Error(`${program} does not start: ${own?.failure()}`);
    own = launch(program, dir);
    launches += 1;
  }
  throw new Error(`${program} is not ready after ${START_MS / 1000} s: see redis.log in ${dir}`);
}

async function stopServer(config: RedisConfig, dir: string): Promise<void> {
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(15)) {
    await shutDown(config);
    if ((await probe(config, dir)) === 'nobody') return;
  }
  throw new Error(`Redis with data in ${dir} does not stop`);
}

/** Starts a Redis of our own on a free port of 127.0.0.1 with a generated password, or finds the one that runs. */
export async function startRedis(options: RedisServerOptions): Promise<RedisServer> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const dir = realpathSync(options.dataDir);
  if (options.ephemeral) guard(dir, STOPPING);
  const users = new Users(path.join(dir, 'users'));
  users.enter();
  const stop = async (config: RedisConfig) => {
    if (!users.leave()) return;
    await stopServer(config, dir);
    if (options.ephemeral) rmSync(dir, { recursive: true, force: true });
  };
  try {
    const { config, reused } = await bringUp(options.program, dir);
    const { port, password } = config;
    const how = reused ? 'was running' : 'started';
    options.log?.(`Redis (${path.basename(options.program)}) ${how} on 127.0.0.1:${port}, data in ${dir}`);
    let stopped: Promise<void> | undefined;
    return { url: `redis://:${password}@127.0.0.1:${port}`, reused, stop: () => (stopped ??= stop(config)) };
  } catch (error) {
    users.leave();
    throw error;
  }
}
