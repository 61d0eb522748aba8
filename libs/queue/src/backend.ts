import { type ConnectionOptions, createPostgresBackend, setDefaultBackendFactory } from 'bullmq';

/** Where jobs live. Redis is the road under load; PostgreSQL serves where there is no Redis. */
export type JobBackend =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix?: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema?: string };

/** What BullMQ's queues and workers of one kind share. */
export interface BullOptions {
  readonly connection: ConnectionOptions;
  readonly prefix?: string;
}

/**
 * Connection options of a backend. BullMQ chooses its backend once per process: two kinds in one process are a mistake in
 * the wiring.
 */
export function bullOptions(backend: JobBackend, role: 'producer' | 'consumer'): BullOptions {
  if (backend.kind === 'postgres') {
    // Typed for a later version of the interface than the one exported; see BullMQ's guide to its PostgreSQL backend.
    setDefaultBackendFactory(createPostgresBackend as never);
    const connection = { connectionString: backend.url, schema: backend.schema ?? 'bullmq', max: 4, migrate: true };
    return { connection: connection as unknown as ConnectionOptions };
  }
  // A producer fails at once while Redis is away: ingest answers 202 all the same and the sweep finds the batch.
  const eager = { enableOfflineQueue: false, maxRetriesPerRequest: 1 };
  const patient = { maxRetriesPerRequest: null };
  const connection = { url: backend.url, ...(role === 'producer' ? eager : patient) };
  return { connection, ...(backend.prefix === undefined ? {} : { prefix: backend.prefix }) };
}
