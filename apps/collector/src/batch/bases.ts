import { createHash } from 'node:crypto';
import { type CountedText, differenceOf, takeApart } from '@whydrop/model';
import type { BatchHead } from '../spool/record.js';
import type { Numbers } from '../spool/spool.js';

/** A text is shipped whole at least as often as this, in milliseconds. */
const WHOLE_MS = 10 * 60_000;

/** What was shipped whole last of a stream. */
interface Base extends Numbers {
  readonly at: number;
  /** SHA-256 of its frame. */
  readonly frame: string;
  /** Its marks, one per line: a hundredth of what they take as strings. */
  readonly marks: Buffer;
}

/** A picture as it is shipped: whole, or told by an earlier one. */
export interface Told {
  readonly payload: Buffer;
  /** Number of the earlier one; undefined: whole. */
  readonly base: number | undefined;
  /** To be called with the number that it got. */
  readonly numbered: (numbers: Numbers) => void;
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Tells pictures by the last one that was shipped whole, as long as only counters and times in comments differ. */
export class Bases {
  private readonly known = new Map<string, Base>();
  /** Streams of which the server does not take differences. */
  private readonly untold = new Set<string>();

  /** How a picture is shipped that was taken `at`, in milliseconds since 1970. */
  tell({ stream, format }: { readonly stream: string; readonly format: string }, payload: Buffer, at: number): Told {
    const text = this.untold.has(stream) ? undefined : takeApart(format, payload.toString('latin1'));
    if (!text) return { payload, base: undefined, numbered: () => void this.known.delete(stream) };
    const frame = digest(Buffer.from(text.frame, 'latin1'));
    const base = this.known.get(stream);
    if (base?.frame === frame && at >= base.at && at - base.at < WHOLE_MS) {
      return { payload: told(base, text, payload), base: base.sequence, numbered: () => undefined };
    }
    const marks = Buffer.from(text.marks.join('\n'), 'latin1');
    return {
      payload,
      base: undefined,
      numbered: (numbers) => void this.known.set(stream, { ...numbers, at, frame, marks }),
    };
  }

  /** The server does not get these: a picture that would be told by one of them is whole. */
  lost({ stream, epoch }: { readonly stream: string; readonly epoch: number }, first: number, last: number): void {
    const base = this.known.get(stream);
    if (base?.epoch === epoch && first <= base.sequence && base.sequence <= last) this.known.delete(stream);
  }

  /**
   * The server will never take this one. When it was told by another one, the server is older than that: the stream is shipped
   * whole from then on.
   */
  refused(head: BatchHead): void {
    if (head.base !== undefined) this.untold.add(head.stream);
    this.lost(head, head.sequence, head.sequence);
  }
}

function told({ marks }: Base, text: CountedText, payload: Buffer): Buffer {
  const before = marks.toString('latin1').split('\n');
  return Buffer.from(differenceOf(before, text.marks, digest(payload)), 'latin1');
}
