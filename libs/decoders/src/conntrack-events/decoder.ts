import type { Instant, NoticeObservation, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { LINE_LIMIT, reject } from '../lines.js';
import { flowOf } from './normalise.js';
import type { ConntrackRecord } from './record.js';
import { ConntrackScanner } from './scan.js';

/** The tool's complaint that the socket overflowed. */
interface LostEvents {
  readonly lost: true;
  /** Time of the event before it. */
  readonly stamp: Instant | undefined;
  readonly raw: string;
  readonly line: number;
}

export type ConntrackLine = ConntrackRecord | LostEvents;

/** Lines of stderr that end up in the same file: a closing count, and the advice after an overflow. */
function isChatter(text: string): boolean {
  return (
    text.startsWith('conntrack v') ||
    text.startsWith('This message means that the current netlink socket buffer') ||
    text.startsWith('Please, check --buffer-size in conntrack')
  );
}

function isBlank(payload: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (payload.charCodeAt(i) > 32) return false;
  return true;
}

/** Whether the line begins like what the tool says to people (W, c, T, P) and like no entry. */
function mayBeAside(first: number): boolean {
  return first === 87 || first === 99 || first === 84 || first === 80;
}

function aside(text: string, line: number, stamp: Instant | undefined): LostEvents | 'chatter' | undefined {
  if (isChatter(text)) return 'chatter';
  return text.startsWith('WARNING: We have hit ENOBUFS!') ? { lost: true, stamp, raw: text, line } : undefined;
}

/**
 * Reads a conntrack payload line by line. `events` wants an event type on each line (`conntrack -E`), otherwise none
 * may be there (`conntrack -L`, /proc).
 */
export function* decodeConntrack(
  payload: string,
  context: StreamContext,
  events: boolean,
): Generator<ConntrackLine | Reject> {
  const scanner = new ConntrackScanner();
  let line = context.firstLine;
  let stamp: Instant | undefined;
  for (let from = 0; from < payload.length; line++) {
    const newline = payload.indexOf('\n', from);
    const end = newline < 0 ? payload.length : newline;
    const to = end > from && payload.charCodeAt(end - 1) === 13 ? end - 1 : end;
    const said = mayBeAside(payload.charCodeAt(from)) ? aside(payload.slice(from, to), line, stamp) : undefined;
    if (said !== undefined) {
      if (said !== 'chatter') yield said;
    } else if (to - from > LINE_LIMIT) {
      yield reject('TOO_LONG', line, payload.slice(from, to), `The line has ${to - from} characters.`);
    } else if (!isBlank(payload, from, to)) {
      const scanned = checked(scanner.scan(payload, from, to, line, newline >= 0), events);
      if (!('kind' in scanned)) stamp = scanned.stamp;
      yield scanned;
    }
    from = end + 1;
  }
}

function checked(scanned: ConntrackRecord | Reject, events: boolean): ConntrackRecord | Reject {
  if ('kind' in scanned || (scanned.event !== 'entry') === events) return scanned;
  const detail = events ? 'Expected [NEW], [UPDATE] or [DESTROY].' : 'A listing has no event types.';
  return reject('UNKNOWN_SYNTAX', scanned.line, scanned.raw, detail);
}

/** A record of either kind in our words. */
export function normaliseConntrack(record: ConntrackLine, context: StreamContext) {
  return 'lost' in record ? lostNotice(record, context) : flowOf(record, context);
}

function lostNotice(record: LostEvents, context: StreamContext): NoticeObservation | Reject {
  const { raw, line } = record;
  const observedAt = record.stamp ?? context.observedFrom;
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'The stream has no time.');
  return { kind: 'notice', observedAt, notice: 'EVENTS_LOST', raw, line };
}

export const conntrackEvents: Decoder<ConntrackLine> = {
  format: 'conntrack-events',
  doc: '`conntrack -E`, with or without `-o timestamp,extended,id,ktimestamp` (libnetfilter_conntrack `snprintf_default.c`)',
  decode: (payload, context) => decodeConntrack(payload, context, true),
  normalise: normaliseConntrack,
};
