import { Redis } from 'ioredis';
import type { RedisConfig } from './config.js';

/** What answers on the port of a configuration: our server, one that still loads its file, nobody, or somebody else. */
export type Answer = 'ours' | 'loading' | 'nobody' | 'foreign';

function connect({ port, password }: RedisConfig): Redis {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    enableReadyCheck: false,
    disconnectTimeout: 50,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  return redis;
}

function judge(error: Error): Answer {
  const text = `${error.message} ${(error as NodeJS.ErrnoException).code ?? ''}`;
  if (/LOADING/.test(text)) return 'loading';
  return /ECONNREFUSED|ECONNRESET|Connection is closed/.test(text) ? 'nobody' : 'foreign';
}

export async function probe(config: RedisConfig, dir: string): Promise<Answer> {
  const redis = connect(config);
  let failure: Error | undefined;
  redis.on('error', (error: Error) => (failure = error));
  try {
    await redis.connect();
    const [, folder] = (await redis.config('GET', 'dir')) as [string, string];
    return folder === dir ? 'ours' : 'foreign';
  } catch (error) {
    return judge(failure ?? (error as Error));
  } finally {
    redis.disconnect();
  }
}

/** Asks the server to write what it has and to end. */
export async function shutDown(config: RedisConfig): Promise<void> {
  const redis = connect(config);
  try {
    await redis.connect();
    await redis.call('SHUTDOWN');
  } catch {
    // it ended: the connection breaks instead of answering
  } finally {
    redis.disconnect();
  }
}
