import type { GapInput } from '@whydrop/contracts';
import type { Draft, Dropped } from '../spool/spool.js';
import { type Emitter, rfc3339, wireBody } from './envelope.js';

const FORMAT = 'gap';

/** A batch that says what was lost. */
export function gapDraft(emitter: Emitter, gaps: readonly GapInput[], at: number): Draft {
  const payload = Buffer.from(gaps.map((gap) => `${JSON.stringify(gap)}\n`).join(''));
  const observed = { observedFrom: rfc3339(at), observedTo: rfc3339(at) };
  const head = { version: 1 as const, ...emitter, stream: 'gaps', format: FORMAT, ...observed };
  const body: Draft['body'] = (number) => wireBody({ ...head, ...number }, payload);
  return { class: 'control', stream: 'gaps', records: gaps.length, from: at, to: at, body };
}

/** What is said of batches that a full spool had to drop. */
export function gapOfDropped({ stream, channel, from, to, ...dropped }: Dropped): GapInput {
  const common = { stream, channel: channel ?? null, reason: 'SPOOL_FULL' as const };
  return { ...common, ...dropped, from: rfc3339(from), to: rfc3339(to) };
}
