import { MICROS_PER_SECOND, protocolFromNumber } from '@whydrop/model';
import type { FlowCounters, FlowEvent, FlowObservation, Instant, Protocol, Reject, Tuple } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { Decoder } from '../decoder.js';
import { isObject, numberOf, parseJson, textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfMicros } from '../local-time.js';

/** One conntrack event in ulogd2's keys. */
export interface NfctEvent {
  readonly event: JsonObject;
  readonly raw: string;
  readonly line: number;
}

const EVENTS: Readonly<Record<number, FlowEvent>> = { 1: 'new', 2: 'update', 4: 'destroy' };

function readLine(line: Line): NfctEvent | Reject {
  const event = parseJson(line.text);
  if (isObject(event)) return { event, raw: line.text, line: line.number };
  return reject(
    line.text.startsWith('{') ? 'TRUNCATED' : 'UNKNOWN_SYNTAX',
    line.number,
    line.text,
    'Expected one JSON object.',
  );
}

function timeOf(event: JsonObject, which: 'start' | 'end'): Instant | undefined {
  const seconds = numberOf(event, `flow.${which}.sec`);
  if (seconds === undefined || seconds <= 0) return undefined;
  return instantOfMicros(seconds * MICROS_PER_SECOND + (numberOf(event, `flow.${which}.usec`) ?? 0));
}

function tupleOf(event: JsonObject, side: 'orig' | 'reply', protocol: Protocol): Tuple | undefined {
  const isReply = side === 'reply';
  const source = canonicalAddress(textOf(event, isReply ? 'reply.ip.saddr.str' : 'src_ip') ?? '');
  const destination = canonicalAddress(textOf(event, isReply ? 'reply.ip.daddr.str' : 'dest_ip') ?? '');
  if (source === undefined || destination === undefined) return undefined;
  const type = numberOf(event, 'icmp.type');
  const isIcmp = (protocol === 'ICMP' || protocol === 'ICMPv6') && type !== undefined;
  return {
    protocol,
    source,
    destination,
    sourcePort: isIcmp ? undefined : numberOf(event, `${side}.l4.sport`),
    destinationPort: isIcmp ? undefined : numberOf(event, `${side}.l4.dport`),
    icmp: isIcmp ? { type, code: numberOf(event, 'icmp.code') ?? 0, id: undefined } : undefined,
  };
}

/** Counters come with the end of a flow; events before it print zeros. */
function countersOf(event: JsonObject, side: 'orig' | 'reply', kind: FlowEvent): FlowCounters | undefined {
  const [packets, bytes] = [numberOf(event, `${side}.raw.pktcount`), numberOf(event, `${side}.raw.pktlen`)];
  if (kind !== 'destroy' || packets === undefined || bytes === undefined) return undefined;
  if (!Number.isSafeInteger(packets) || !Number.isSafeInteger(bytes)) return undefined;
  return { packets: BigInt(packets), bytes: BigInt(bytes) };
}

function normalise(read: NfctEvent): FlowObservation | Reject {
  const { event, raw, line } = read;
  const kind = EVENTS[numberOf(event, 'ct.event') ?? 0];
  const number = numberOf(event, 'orig.ip.protocol');
  if (kind === undefined || number === undefined || number > 255) {
    return reject('MISSING_FIELD', line, raw, 'Expected ct.event and orig.ip.protocol.');
  }
  const [startedAt, stoppedAt] = [timeOf(event, 'start'), timeOf(event, 'end')];
  const observedAt = stoppedAt ?? startedAt;
  if (observedAt === undefined) return reject('NO_TIME', line, raw, 'Expected flow.start.sec.');
  const protocol = protocolFromNumber(number);
  const [original, reply] = [tupleOf(event, 'orig', protocol), tupleOf(event, 'reply', protocol)];
  if (!original || !reply) return reject('BAD_VALUE', line, raw, 'An address is missing or not valid.');
  const replies = countersOf(event, 'reply', kind);
  return {
    kind: 'flow',
    observedAt,
    event: kind,
    state: undefined,
    timeout: undefined,
    original,
    reply,
    // There is no flag: no packet came back.
    unreplied: kind === 'new' || replies?.packets === 0n,
    assured: false,
    originalCounters: countersOf(event, 'orig', kind),
    replyCounters: replies,
    mark: numberOf(event, 'ct.mark'),
    zone: undefined,
    id: numberOf(event, 'ct.id'),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(stoppedAt === undefined ? {} : { stoppedAt }),
    raw,
    line,
  };
}

export const nfctJson: Decoder<NfctEvent> = {
  format: 'nfct-json',
  doc: 'conntrack events as ulogd2 writes them in JSON (NFCT): no state, no UNREPLIED flag (ulogd2 `input/flow/ulogd_inpflow_NFCT.c`)',
  decode: (payload, context) => decodeLines(payload, context, readLine),
  normalise,
};
