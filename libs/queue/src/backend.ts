import {
  createPostgresBackend,
  type ConnectionOptions,
  Queue,
  setDefaultBackendFactory,
  withBackend,
  Worker,
} from 'bullmq';

/** Where jobs live. Redis is the road under load; PostgreSQL serves where there is no Redis. */
export type JobBackend =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix?: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema?: string };

/** Options that BullMQ's queues and workers share. */
export interface BullOptions {
  readonly connection: ConnectionOptions;
  readonly prefix?: string;
}

interface BullClasses {
  readonly Queue: typeof Queue;
  readonly Worker: typeof Worker;
}

const ON_REDIS: BullClasses = { Queue, Worker };
// BullMQ types them for connections to PostgreSQL only; ours is one type for both.
const ON_POSTGRES = withBackend(createPostgresBackend) as unknown as BullClasses;

/** BullMQ's classes for a backend. Both kinds can live in one process. */
export function bullClasses(backend: JobBackend): BullClasses {
  return backend.kind === 'redis' ? ON_REDIS : ON_POSTGRES;
}

/** Connection of a worker, which waits for its backend to come back, however long. */
export function bullOptions(backend: JobBackend): BullOptions {
  if (backend.kind === 'postgres') {
    const { url: connectionString, schema = 'bullmq' } = backend;
    // Every queue and every worker has a pool of its own: small ones.
    // A server whose machine vanished is found out, instead of being waited for.
    const alive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };
    const connection = { connectionString, schema, max: 4, migrate: true, options: '-c timezone=UTC', ...alive };
    return { connection: connection as unknown as ConnectionOptions };
  }
  const connection = { url: backend.url, maxRetriesPerRequest: null };
  return { connection, ...(backend.prefix === undefined ? {} : { prefix: backend.prefix }) };
}

/** For @nestjs/bullmq, which makes queues and workers itself: BullMQ's choice of a backend is then one for the process. */
export function chooseBackendOfProcess(backend: JobBackend): void {
  setDefaultBackendFactory(backend.kind === 'postgres' ? (createPostgresBackend as never) : undefined);
}
