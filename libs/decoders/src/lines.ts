import type { Reject, RejectReason } from '@whydrop/model';
import type { StreamContext } from './decoder.js';

/** Rejected text is kept up to here (4 KiB). */
const RAW_LIMIT = 4096;

/** No record of a line format is longer; longer lines are rejected unread (1 MiB). */
export const LINE_LIMIT = 1 << 20;

/** One line without its end. `terminated` is false for a last line that lacks its newline: it may be cut. */
export interface Line {
  readonly text: string;
  readonly number: number;
  readonly terminated: boolean;
}

/** Makes a reject: what was expected and found, with the text cut to 4 KiB. */
export function reject(reason: RejectReason, line: number, raw: string, detail: string): Reject {
  return { kind: 'reject', line, reason, detail, raw: raw.length > RAW_LIMIT ? raw.slice(0, RAW_LIMIT) : raw };
}

/** Whether a decoder's answer is a reject. */
export function isReject(value: unknown): value is Reject {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'reject';
}

/** Splits a payload at newlines (CR LF too), numbering lines from `firstLine`. */
export function* linesOf(payload: string, firstLine: number): Generator<Line> {
  let from = 0;
  for (let number = firstLine; from < payload.length; number++) {
    const newline = payload.indexOf('\n', from);
    const end = newline < 0 ? payload.length : newline;
    const to = end > from && payload.charCodeAt(end - 1) === 13 ? end - 1 : end;
    yield { text: payload.slice(from, to), number, terminated: newline >= 0 };
    from = end + 1;
  }
}

/** Runs a decoder over every line that is not blank; lines beyond the limit are rejected, `undefined` is passed over. */
export function* decodeLines<Own>(
  payload: string,
  context: StreamContext,
  decodeLine: (line: Line) => Own | Reject | undefined,
): Generator<Own | Reject> {
  for (const line of linesOf(payload, context.firstLine)) {
    if (line.text.length > LINE_LIMIT) {
      yield reject('TOO_LONG', line.number, line.text, `The line has ${line.text.length} characters.`);
      continue;
    }
    if (line.text === '' || line.text.trim() === '') continue;
    const decoded = decodeLine(line);
    if (decoded !== undefined) yield decoded;
  }
}
