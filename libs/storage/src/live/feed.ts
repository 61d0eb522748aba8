import pg from 'pg';
import { ALERT_CHANNEL } from '../alerts/alert.store.js';
import type { Database } from '../database.js';
import { OBSERVED_CHANNEL, type ObservedNote } from './observed.js';

/** What is told of the tables as others commit. `gap`: the connection was lost; what changed meanwhile was not heard. */
export type LiveChange =
  | { readonly kind: 'drops'; readonly ids: readonly string[]; readonly more: number }
  | { readonly kind: 'alert'; readonly id: string }
  | { readonly kind: 'gap' };

export type Hear = (change: LiveChange) => void;

/** One connection that listens for everybody in this process; open while somebody does. */
export interface LiveFeed {
  /** Resolves when everything that is committed from now on will be heard; gives what ends the listening. */
  listen(hear: Hear): Promise<() => void>;
  close(): Promise<void>;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

function changeOf({ channel, payload = '{}' }: pg.Notification): LiveChange | undefined {
  if (channel === ALERT_CHANNEL) return { kind: 'alert', id: (JSON.parse(payload) as { id: string }).id };
  if (channel !== OBSERVED_CHANNEL) return undefined;
  return { kind: 'drops', ...(JSON.parse(payload) as ObservedNote) };
}

export function openLiveFeed(database: Database): LiveFeed {
  const hearers = new Set<Hear>();
  let current: Promise<pg.Client> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const tell = (change: LiveChange): void => {
    for (const hear of hearers) hear(change);
  };

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client(database.pool.options);
    let lost = false;
    const onLost = (): void => {
      if (lost) return;
      lost = true;
      if (current !== undefined) again(FIRST_PAUSE_MS);
    };
    client.on('error', onLost);
    client.on('notification', (note) => {
      const change = changeOf(note);
      if (change) tell(change);
    });
    await client.connect();
    await client.query(`LISTEN ${ALERT_CHANNEL}; LISTEN ${OBSERVED_CHANNEL}`);
    client.on('end', onLost);
    return client;
  }

  /** After a loss: tries until it listens again, then says that there was a gap. */
  function again(pause: number): void {
    if (closed || hearers.size === 0) {
      current = undefined;
      return;
    }
    timer = setTimeout(() => {
      const next = connect();
      next.then(
        () => {
          current = next;
          tell({ kind: 'gap' });
        },
        () => again(Math.min(2 * pause, LONGEST_PAUSE_MS)),
      );
    }, pause);
  }

  async function hangUp(): Promise<void> {
    const ending = current;
    current = undefined;
    clearTimeout(timer);
    await ending?.then((client) => client.end()).catch(() => undefined);
  }

  return {
    async listen(hear) {
      hearers.add(hear);
      current ??= connect();
      try {
        await current;
      } catch (error) {
        hearers.delete(hear);
        current = undefined;
        throw error;
      }
      return () => {
        hearers.delete(hear);
        if (hearers.size === 0) void hangUp();
      };
    },
    async close() {
      closed = true;
      hearers.clear();
      await hangUp();
    },
  };
}
