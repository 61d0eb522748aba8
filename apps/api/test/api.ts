import type { Database } from '@whydrop/storage';
import { type ApiConfig, type RunningApi, startApi } from '../src/start.js';

/** The API over a test's database, on a free port. Jobs go nowhere: what is asked for is stored already. */
export function openTestApi(database: Database, more: Partial<ApiConfig> = {}): Promise<RunningApi> {
  const storeQueue = { enqueue: () => Promise.resolve() };
  return startApi({ database, storeQueue, knownFormats: [], port: 0, ...more });
}
