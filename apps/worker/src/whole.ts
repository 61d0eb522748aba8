import { createHash } from 'node:crypto';
import { type Instant, MICROS_PER_MILLI, putTogether, type Reject } from '@whydrop/model';
import { BASE_WAIT_SECONDS, type Database, loadTold, type StoredBatch, type ToldBatch } from '@whydrop/storage';

/** A batch as decoders want it: with its whole text; or why there is none, yet or at all. */
export type WholeBatch =
  | { readonly kind: 'whole'; readonly batch: StoredBatch }
  | { readonly kind: 'waits' }
  | { readonly kind: 'refused'; readonly reason: Reject['reason']; readonly detail: string };

const WAIT_MICROS = BASE_WAIT_SECONDS * 1000 * MICROS_PER_MILLI;

const bad = (detail: string): WholeBatch => ({ kind: 'refused', reason: 'BAD_VALUE', detail });

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const nameOf = ({ stream }: StoredBatch, { epoch }: ToldBatch, sequence: bigint): string =>
  `${stream}, epoch ${epoch}, sequence ${sequence}`;

/** What a batch says that is told by another one. */
function putWhole(batch: StoredBatch, told: ToldBatch, { format, whole, payload }: NonNullable<ToldBatch['by']>) {
  const base = nameOf(batch, told, told.base);
  if (!whole || format !== batch.format)
    return bad(`its base (${base}) is no whole batch of the format ${batch.format}`);
  const answer = putTogether(batch.format, payload, told.payload);
  if (answer.kind === 'wrong') return bad(answer.detail);
  const bytes = Buffer.from(answer.text, 'latin1');
  if (sha256(bytes) !== answer.sha256) return bad(`with its base (${base}) it does not give the text that was meant`);
  return { kind: 'whole', batch: { ...batch, payload: bytes.toString('utf8') } } as const;
}

/**
 * Puts a batch together that is told by another one. That one may come later, for up to four batches are on their way at
 * once: then it waits, by our clock, and after that it is refused.
 */
export async function wholeBatch(database: Database, batch: StoredBatch, now: Instant): Promise<WholeBatch> {
  if (batch.base === undefined) return { kind: 'whole', batch };
  const told = await loadTold(database, batch.id);
  if (told?.by) return putWhole(batch, told, told.by);
  if (told && now - batch.receivedAt < WAIT_MICROS) return { kind: 'waits' };
  const base = told ? nameOf(batch, told, told.base) : batch.stream;
  const detail = `its base (${base}) has not come within ${BASE_WAIT_SECONDS} s, or is removed`;
  return { kind: 'refused', reason: 'NO_BASE', detail };
}
