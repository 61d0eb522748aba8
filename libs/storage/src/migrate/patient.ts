import { setTimeout as sleep } from 'node:timers/promises';
import { isUnavailable } from '../ingest/unavailable.js';
import { migrate, type MigrationResult } from './migrate.js';

export interface Patience {
  readonly milliseconds?: number;
  /** Told once, when waiting begins. */
  readonly onWait?: (error: unknown) => void;
}

/**
 * `migrate` for a server that starts beside its database: while PostgreSQL is away or recovers from a crash it waits, up to a
 * minute, instead of ending and being started again later and later by its supervisor.
 */
export async function migrateWhenAvailable(
  url: string,
  directory: string,
  { milliseconds = 60_000, onWait }: Patience = {},
): Promise<MigrationResult> {
  const until = Date.now() + milliseconds;
  for (let waited = false; ; waited = true) {
    try {
      return await migrate(url, directory);
    } catch (error) {
      if (!isUnavailable(error) || Date.now() > until) throw error;
      if (!waited) onWait?.(error);
      await sleep(200);
    }
  }
}
