import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, type Stopping } from '@whydrop/embedded';

/** What a client needs of the configuration file of a server. */
export interface RedisConfig {
  readonly port: number;
  readonly password: string;
}

/** Jobs survive a crash of Redis (append-only file) and are never evicted: a full Redis refuses new ones instead. */
const text = ({ port, password }: RedisConfig) => `bind 127.0.0.1
port ${port}
requirepass ${password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
`;

/** How the guard stops the server of an ephemeral folder. */
export const STOPPING: Stopping = { pidFile: 'redis.pid', signal: 'TERM' };

export const configFile = (dir: string) => path.join(dir, 'redis.conf');

function read(dir: string): RedisConfig | undefined {
  let content: string;
  try {
    content = readFileSync(configFile(dir), 'utf8');
  } catch {
    return undefined;
  }
  const value = (name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec(content)?.[1];
  const port = Number(value('port'));
  const password = value('requirepass');
  return port > 0 && password !== undefined ? { port, password } : undefined;
}

/** Writes a configuration with a free port. It appears at once and whole; without `replace` only when there is none yet. */
async function write(dir: string, replace: boolean): Promise<void> {
  const unfinished = `${configFile(dir)}.${process.pid}`;
  const config = { port: await freePort(), password: randomBytes(24).toString('hex') };
  writeFileSync(unfinished, text(config), { mode: 0o600 });
  try {
    if (replace) renameSync(unfinished, configFile(dir));
    else linkSync(unfinished, configFile(dir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another start was quicker: its file counts
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** The configuration of a folder's server, made when there is none: all who start at the same time use one. */
export async function redisConfig(dir: string): Promise<RedisConfig> {
  if (!read(dir)) await write(dir, false);
  const config = read(dir);
  if (!config) throw new Error(`${configFile(dir)} cannot be read: remove it`);
  return config;
}

/** Another port, because somebody else has the one of the file. */
export async function movedConfig(dir: string): Promise<RedisConfig> {
  await write(dir, true);
  return redisConfig(dir);
}
