import pg from 'pg';
import type { Database } from '../database.js';
import { ALERT_CHANNEL } from './alert.store.js';

/** An alert changed: its id, and what it is now. */
export interface AlertChange {
  readonly id: string;
  readonly state: 'pending' | 'firing' | 'resolved' | 'dropped';
}

/** Changes that wait for a reader at most; then the oldest are let go, because the newest state is what counts. */
const MOST_WAITING = 1_000;

/**
 * Changes of alerts as they are committed, from whichever process. A connection of its own; it ends with an error when that is
 * lost, and quietly when `signal` is raised or the reader stops.
 */
export async function* listenAlerts(database: Database, signal?: AbortSignal): AsyncGenerator<AlertChange> {
  const client = new pg.Client(database.pool.options);
  const waiting: AlertChange[] = [];
  let wake: () => void = () => undefined;
  let ended: Error | 'ended' | undefined;
  const end = (why: Error | 'ended') => {
    ended ??= why;
    wake();
  };
  client.on('error', end);
  client.on('end', () => end(new Error('the connection to PostgreSQL ended')));
  client.on('notification', ({ payload }) => {
    waiting.push(JSON.parse(payload ?? '{}') as AlertChange);
    if (waiting.length > MOST_WAITING) waiting.shift();
    wake();
  });
  signal?.addEventListener('abort', () => end('ended'));
  await client.connect();
  try {
    await client.query(`LISTEN ${ALERT_CHANNEL}`);
    while (ended === undefined && !signal?.aborted) {
      const next = waiting.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    if (ended instanceof Error) throw ended;
  } finally {
    ended ??= 'ended';
    await client.end().catch(() => undefined);
  }
}
