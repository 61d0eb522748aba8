import { once } from 'node:events';
import type { ConnectionOptions } from 'bullmq';
import { Redis } from 'ioredis';
import type { JobBackend } from './backend.js';
import { hangUp } from './redis/hang-up.js';

/** The connection of a producing side. */
export interface Producer {
  readonly options: { readonly connection?: ConnectionOptions };
  /** Rejects when the backend cannot be reached now. */
  ready(): Promise<void>;
  close(closeQueue: () => Promise<void>): Promise<void>;
}

const CONNECT_MS = 2_000;
const COMMAND_MS = 5_000;

/**
 * A producer fails at once while Redis is away: ingest answers 202 all the same and the sweep finds the batch. It goes on when
 * Redis is back. BullMQ's own way to fail fast gives up for ever when the first connection fails; so the connection is ours.
 */
function onRedis(url: string): Producer {
  const redis = new Redis(url, {
    disconnectTimeout: 100,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_MS,
  });
  redis.on('error', () => undefined);
  // Only the first jobs of a process wait, for the connection to be made.
  const patience = AbortSignal.timeout(CONNECT_MS);
  const opened = once(redis, 'ready', { signal: patience }).catch(() => undefined);
  return {
    options: { connection: redis },
    ready: async () => {
      await opened;
      if (redis.status !== 'ready') throw new Error('Redis cannot be reached');
    },
    close: async (closeQueue) => {
      if (redis.status === 'ready') await closeQueue();
      await hangUp(redis);
    },
  };
}

const onPostgres: Producer = {
  options: {},
  ready: () => Promise.resolve(),
  close: (closeQueue) => closeQueue(),
};

export function openProducer(backend: JobBackend): Producer {
  return backend.kind === 'redis' ? onRedis(backend.url) : onPostgres;
}
