import { MICROS_PER_SECOND } from '@whydrop/model';
import type { NoticeCode, NoticeObservation, PacketObservation, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { isObject, listOf, numberOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { LINE_LIMIT, decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { packetWords } from './fields.js';
import { hookOf, packetFacts } from './packet.js';
import { instantOf, unwrap } from './wrapping.js';
import type { LogTime } from './wrapping.js';

/** A kernel message that matters: a packet line, split at its first `IN=`, or a notice. */
export interface KernelRecord {
  readonly time: LogTime | undefined;
  readonly message: string;
  /** Where `IN=` begins; the prefix stands before it. -1 for a notice. */
  readonly packetAt: number;
  readonly notice: NoticeCode | undefined;
  readonly raw: string;
  readonly line: number;
}

const NOTICES: readonly (readonly [string, NoticeCode])[] = [
  ['nf_conntrack: table full, dropping packet', 'CONNTRACK_TABLE_FULL'],
  ['neighbour: arp_cache: neighbor table overflow', 'NEIGHBOUR_TABLE_OVERFLOW'],
  ['neighbour: ndisc_cache: neighbor table overflow', 'NEIGHBOUR_TABLE_OVERFLOW'],
  ['martian source', 'MARTIAN_SOURCE'],
  ['callbacks suppressed', 'LOG_SUPPRESSED'],
  ['messages lost due to rate-limiting', 'LOG_SUPPRESSED'],
];

/** Place of the first `IN=` whose word is followed by ` OUT=`. The prefix stands directly before it, without a blank. */
function packetStart(message: string): number {
  for (let out = message.indexOf(' OUT='); out >= 0; out = message.indexOf(' OUT=', out + 5)) {
    const word = message.lastIndexOf(' ', out - 1) + 1;
    const start = message.slice(word, out).lastIndexOf('IN=');
    if (start >= 0) return word + start;
  }
  return -1;
}

function noticeOf(message: string): NoticeCode | undefined {
  return NOTICES.find(([words]) => message.includes(words))?.[1];
}

/** A message of the kernel that is neither a packet nor a notice says nothing to us: passed over. */
function recordOf(message: string, time: LogTime | undefined, raw: string, line: number): KernelRecord | undefined {
  const packetAt = packetStart(message);
  const notice = packetAt < 0 ? noticeOf(message) : undefined;
  if (packetAt < 0 && notice === undefined) return undefined;
  return { time, message, packetAt, notice, raw, line };
}

/** journald prints a message with bytes that are no UTF-8 as a list of numbers. */
function journalMessage(entry: JsonObject): string | undefined {
  const bytes = entry['MESSAGE'];
  if (!Array.isArray(bytes)) return textOf(entry, 'MESSAGE');
  return bytes.map((byte) => (typeof byte === 'number' ? String.fromCharCode(byte & 255) : '')).join('');
}

/** The kernel's own time when the boot time is known, else when journald read the message. */
function journalTime(entry: JsonObject, context: StreamContext): LogTime | undefined {
  const monotonic = numberOf(entry, '_SOURCE_MONOTONIC_TIMESTAMP');
  if (monotonic !== undefined && context.attributes['bootTime'] !== undefined)
    return { clock: 'boot', micros: monotonic };
  const read = textOf(entry, '__REALTIME_TIMESTAMP') ?? '';
  return /^\d{1,16}$/.test(read) ? { clock: 'utc', at: Number(read) } : undefined;
}

function journalEntry(line: Line, context: StreamContext): KernelRecord | Reject | undefined {
  const entry = parseJson(line.text);
  if (!isObject(entry)) return reject('TRUNCATED', line.number, line.text, 'The JSON object is not complete.');
  const message = journalMessage(entry);
  if (message === undefined) return reject('MISSING_FIELD', line.number, line.text, 'Expected MESSAGE.');
  return recordOf(message, journalTime(entry, context), line.text, line.number);
}

function readLine(line: Line, context: StreamContext): KernelRecord | Reject | undefined {
  if (line.text.startsWith('{')) return journalEntry(line, context);
  if (line.text.startsWith('# ')) return undefined;
  const { time, message } = unwrap(line.text);
  const record = recordOf(message, time, line.text, line.number);
  if (record !== undefined || time !== undefined) return record;
  return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected a kernel message with a time in front.');
}

/** `dmesg -J` is one document; its entries have no line of their own. */
function* dmesgJson(document: JsonObject, context: StreamContext): Generator<KernelRecord | Reject> {
  for (const entry of listOf(document, 'dmesg')) {
    if (!isObject(entry)) continue;
    const message = textOf(entry, 'msg') ?? '';
    const seconds = numberOf(entry, 'time');
    const time = seconds === undefined ? undefined : Math.round(seconds * MICROS_PER_SECOND);
    const record = recordOf(
      message.slice(0, LINE_LIMIT),
      time === undefined ? undefined : { clock: 'boot', micros: time },
      message,
      context.firstLine,
    );
    if (record) yield record;
  }
}

function decode(payload: string, context: StreamContext): Iterable<KernelRecord | Reject> {
  const document = /^\s{0,100}\{\s{0,100}"dmesg"/.test(payload) ? parseJson(payload) : undefined;
  if (isObject(document)) return dmesgJson(document, context);
  return decodeLines(payload, context, (line) => readLine(line, context));
}

function normalise(record: KernelRecord, context: StreamContext): PacketObservation | NoticeObservation | Reject {
  const { raw, line, notice, message, packetAt } = record;
  const observedAt = record.time === undefined ? context.observedFrom : instantOf(record.time, context);
  if (observedAt === undefined || !Number.isSafeInteger(observedAt) || observedAt < 0) {
    return reject('NO_TIME', line, raw, 'The time in front needs a year, a boot time or a zone that is not known.');
  }
  if (notice !== undefined) return { kind: 'notice', observedAt, notice, raw, line };
  const words = packetWords(message, packetAt);
  const facts = packetFacts(words, raw, line);
  if ('kind' in facts) return facts;
  const prefix = message.slice(0, packetAt);
  return {
    kind: 'packet',
    observedAt,
    channel: 'kernel-log',
    prefix,
    group: undefined,
    hook: hookOf(words),
    ...facts,
    raw,
    line,
  };
}

export const kernelLog: Decoder<KernelRecord> = {
  format: 'kernel-log',
  doc: 'packets of the LOG target and of nft `log` in dmesg, /dev/kmsg, syslog and journald wrappings (Linux `nf_log_syslog.c`)',
  decode,
  normalise,
};
