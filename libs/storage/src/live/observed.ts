import type pg from 'pg';

export const OBSERVED_CHANNEL = 'whydrop_observed';

/** Ids of one notification: PostgreSQL takes less than 8000 bytes. */
const IDS_AT_ONCE = 200;
/** Of one transaction; a storm of more is told by its number, and read from the table. */
const MOST_IDS = 5_000;

/** What one notification says: drops that were not there before, or how many more there are. */
export interface ObservedNote {
  readonly ids: readonly string[];
  readonly more: number;
}

/** Tells who listens of drops that are new in this transaction; heard when it commits, and not at all when it does not. */
export async function notifyObserved(client: pg.PoolClient, ids: readonly string[]): Promise<void> {
  const told = ids.slice(0, MOST_IDS);
  const notes: ObservedNote[] = [];
  for (let at = 0; at < told.length; at += IDS_AT_ONCE) notes.push({ ids: told.slice(at, at + IDS_AT_ONCE), more: 0 });
  if (ids.length > told.length) notes.push({ ids: [], more: ids.length - told.length });
  if (notes.length === 0) return;
  const payloads = notes.map((note) => JSON.stringify(note));
  await client.query('SELECT pg_notify($1, note) FROM unnest($2::text[]) AS note', [OBSERVED_CHANNEL, payloads]);
}
