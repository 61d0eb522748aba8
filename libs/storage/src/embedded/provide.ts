import path from 'node:path';
import { startEmbeddedPostgres } from './postgres.js';

export interface ProvidedDatabase {
  readonly url: string;
  /** Does nothing to a server that was not started here. */
  stop(): Promise<void>;
}

/** A URL without its password, for logs. */
function shown(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}${port && `:${port}`}${pathname}`;
}

/** The database of this installation: the one of DATABASE_URL when it is set, else an own server below the data home. */
export async function provideDatabase(options: {
  readonly databaseUrl?: string | undefined;
  readonly dataHome: string;
  readonly log?: (line: string) => void;
}): Promise<ProvidedDatabase> {
  const { databaseUrl: url, dataHome, log } = options;
  if (url === undefined)
    return startEmbeddedPostgres({ dataDir: path.join(dataHome, 'postgres'), ...(log && { log }) });
  log?.(`PostgreSQL of DATABASE_URL: ${shown(url)}`);
  return { url, stop: () => Promise.resolve() };
}
