import { z } from 'zod';
import { storableText, storableTime } from './storable.js';

/** Format id of the batch in which an emitter says what it lost. Our own format, one JSON object per line. */
export const GAP_FORMAT = 'gap';

/** Closed list of ways in which records get lost before they are shipped. */
export const GAP_REASONS = {
  NOT_RUNNING: 'the collector was not running, or its reader was being started again',
  EVENTS_LOST: 'the kernel or the tool lost events because nobody took them fast enough',
  SPOOL_FULL: 'the spool had reached its limit, and the oldest records were dropped',
  SPOOL_DAMAGED: 'a part of the spool could not be read any more',
  SOURCE_GONE: 'a file was replaced or cut before it was read to its end',
  REFUSED: 'the server refused a batch for good; the collector keeps it aside',
} as const;
export type GapReason = keyof typeof GAP_REASONS;

const count = z.int().nonnegative();

/** Known loss: what a stream lost, when, why and, where that can be told, how many records. */
export const gapSchema = z.object({
  stream: storableText(1024).min(1),
  /** The channel of the coverage records that this loss contradicts. */
  channel: storableText(64).nullable().default(null),
  reason: z.enum(Object.keys(GAP_REASONS) as [GapReason, ...GapReason[]]),
  from: storableTime,
  to: storableTime,
  /** Null when it cannot be told. */
  records: count.nullable().default(null),
  /** The batches that are lost, where they had numbers already. */
  epoch: count.nullable().default(null),
  firstSequence: count.nullable().default(null),
  lastSequence: count.nullable().default(null),
  detail: z.string().max(4096).nullable().default(null),
});
export type Gap = z.output<typeof gapSchema>;
export type GapInput = z.input<typeof gapSchema>;
