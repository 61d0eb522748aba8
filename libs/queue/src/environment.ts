import type { JobBackend } from './backend.js';

/**
 * Where the processes of one installation keep their jobs: Redis of REDIS_URL, the road under load, with WHYDROP_QUEUE_PREFIX
 * where several installations share it; without REDIS_URL the database.
 */
export function jobBackendOf(environment: NodeJS.ProcessEnv, databaseUrl: string): JobBackend {
  const { REDIS_URL: url, WHYDROP_QUEUE_PREFIX: prefix } = environment;
  if (url === undefined) return { kind: 'postgres', url: databaseUrl };
  return { kind: 'redis', url, ...(prefix === undefined ? {} : { prefix }) };
}
