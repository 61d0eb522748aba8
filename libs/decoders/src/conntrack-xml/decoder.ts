import type { FlowEvent, FlowObservation, Instant, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { flowOf } from '../conntrack-events/normalise.js';
import { emptyTuple } from '../conntrack-events/record.js';
import type { ConntrackRecord, ConntrackTuple } from '../conntrack-events/record.js';
import { decodeLines, isReject, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfMicros, instantOfWallClock } from '../local-time.js';

/** One `<flow>` in conntrack's words, with the times that only XML has. */
export interface XmlFlow {
  readonly record: ConntrackRecord;
  /** `<when>`: broken-down local time, whole seconds. */
  readonly when: Readonly<Record<'year' | 'month' | 'day' | 'hour' | 'min' | 'sec', number>> | undefined;
  readonly startedAt: Instant | undefined;
  readonly stoppedAt: Instant | undefined;
}

const EVENTS: Readonly<Record<string, FlowEvent>> = { new: 'new', update: 'update', destroy: 'destroy' };

/** Text of the first `<name>` between two places; the format neither nests an element in itself nor escapes digits. */
function inside(text: string, name: string): string | undefined {
  const open = text.indexOf(`<${name}>`);
  if (open < 0) return undefined;
  const from = open + name.length + 2;
  const close = text.indexOf(`</${name}>`, from);
  return close < 0 ? undefined : text.slice(from, close);
}

function numberIn(text: string, name: string): number | undefined {
  const value = inside(text, name);
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function counterIn(text: string, name: string): bigint | undefined {
  const value = inside(text, name);
  return value !== undefined && /^\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

/** The part of the line from `<meta direction="…">` to its end. */
function meta(text: string, direction: string): string | undefined {
  const open = text.indexOf(`<meta direction="${direction}">`);
  const close = open < 0 ? -1 : text.indexOf('</meta>', open);
  return close < 0 ? undefined : text.slice(open, close);
}

function tupleOf(part: string): ConntrackTuple {
  return {
    ...emptyTuple(),
    src: inside(part, 'src') ?? '',
    dst: inside(part, 'dst') ?? '',
    sport: numberIn(part, 'sport') ?? -1,
    dport: numberIn(part, 'dport') ?? -1,
    type: numberIn(part, 'type') ?? -1,
    code: numberIn(part, 'code') ?? -1,
    icmpId: numberIn(part, 'id') ?? -1,
    packets: counterIn(part, 'packets'),
    bytes: counterIn(part, 'bytes'),
  };
}

/** Nanoseconds since 1970 to an instant; what is below the microsecond is cut. */
function nanos(text: string | undefined): Instant | undefined {
  return text !== undefined && /^\d{4,19}$/.test(text) ? instantOfMicros(Number(text.slice(0, -3))) : undefined;
}

function whenOf(text: string): XmlFlow['when'] {
  const when = inside(text, 'when');
  if (when === undefined) return undefined;
  const part = (name: string): number => numberIn(when, name) ?? -1;
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    min: part('min'),
    sec: part('sec'),
  };
}

function readFlow(line: Line): XmlFlow | Reject {
  const { text } = line;
  const [original, reply, rest] = [meta(text, 'original'), meta(text, 'reply'), meta(text, 'independent')];
  const protocol = /<layer4 protonum="(\d{1,3})"/.exec(original ?? '')?.[1];
  if (original === undefined || reply === undefined || rest === undefined || !text.includes('</flow>')) {
    return reject('TRUNCATED', line.number, text.slice(0, 4096), 'The <flow> element is not complete.');
  }
  if (protocol === undefined) return reject('MISSING_FIELD', line.number, text, 'Expected <layer4 protonum=…>.');
  const type = /<flow type="(\w{1,10})"/.exec(text)?.[1];
  const record: ConntrackRecord = {
    line: line.number,
    raw: text,
    stamp: undefined,
    event: type === undefined ? 'entry' : (EVENTS[type] ?? 'update'),
    protocol: Number(protocol),
    timeout: numberIn(rest, 'timeout'),
    state: inside(rest, 'state'),
    original: tupleOf(original),
    reply: tupleOf(reply),
    unreplied: rest.includes('<unreplied/>'),
    assured: rest.includes('<assured/>'),
    mark: numberIn(rest, 'mark'),
    zone: numberIn(rest, 'zone'),
    id: numberIn(rest, 'id'),
    start: undefined,
    stop: undefined,
  };
  const times = inside(rest, 'timestamp') ?? '';
  return {
    record,
    when: whenOf(text),
    startedAt: nanos(inside(times, 'start')),
    stoppedAt: nanos(inside(times, 'stop')),
  };
}

function readLine(line: Line): XmlFlow | Reject | undefined {
  const text = line.text.trimStart();
  if (text.startsWith('<flow')) return readFlow(line);
  if (/^(<\?xml|<\/?conntrack>|conntrack v)/.test(text)) return undefined;
  return reject('UNKNOWN_SYNTAX', line.number, line.text, 'Expected a <flow> element.');
}

/** The kernel's start of a NEW is exact; else the local time of printing, to the second; else the stream's time. */
function timeOf(flow: XmlFlow, context: StreamContext): Instant | undefined {
  const { when, record, startedAt, stoppedAt } = flow;
  if (record.event === 'new' && startedAt !== undefined) return startedAt;
  if (record.event === 'destroy' && stoppedAt !== undefined && when === undefined) return stoppedAt;
  if (!when) return context.observedFrom;
  const clock = {
    year: when.year,
    month: when.month,
    day: when.day,
    hour: when.hour,
    minute: when.min,
    second: when.sec,
  };
  return instantOfWallClock({ ...clock, micros: 0 }, context.attributes['timezone']);
}

function normalise(flow: XmlFlow, context: StreamContext): FlowObservation | Reject {
  const at = timeOf(flow, context);
  if (at === undefined) {
    return reject(
      'NO_TIME',
      flow.record.line,
      flow.record.raw,
      'Neither <when>, <timestamp> nor the stream has a time.',
    );
  }
  const own = flowOf({ ...flow.record, stamp: at }, context);
  if (isReject(own)) return own;
  return {
    ...own,
    ...(flow.startedAt === undefined ? {} : { startedAt: flow.startedAt }),
    ...(flow.stoppedAt === undefined ? {} : { stoppedAt: flow.stoppedAt }),
  };
}

export const conntrackXml: Decoder<XmlFlow> = {
  format: 'conntrack-xml',
  doc: '`conntrack -E|-L -o xml`, one `<flow>` per line; has nanoseconds, lacks the type of ICMP (libnetfilter_conntrack `snprintf_xml.c`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
