import { randomUUID } from 'node:crypto';
import type { Matcher } from '@whydrop/alerting';
import { formatInstant, type Instant } from '@whydrop/model';
import type { Writer } from '../audit/writer.js';

export interface NewSilence {
  readonly matchers: readonly Matcher[];
  readonly author: string;
  readonly comment: string;
  readonly startsAt: Instant;
  readonly endsAt: Instant;
}

export async function createSilence(database: Writer, silence: NewSilence): Promise<string> {
  const id = randomUUID();
  const { matchers, author, comment, startsAt, endsAt } = silence;
  await database.pool.query(
    'INSERT INTO silence (id, matchers, author, comment, starts_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, JSON.stringify(matchers), author, comment, formatInstant(startsAt), formatInstant(endsAt)],
  );
  return id;
}

/** Ends a silence now; false when there is none of that id that is still in force. */
export async function expireSilence(database: Writer, id: string, now: Instant): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    'UPDATE silence SET ends_at = $2, starts_at = least(starts_at, $2) WHERE id = $1 AND ends_at > $2',
    [id, formatInstant(now)],
  );
  return rowCount === 1;
}
