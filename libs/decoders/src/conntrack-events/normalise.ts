import { protocolFromNumber } from '@whydrop/model';
import type { FlowCounters, FlowObservation, Instant, Protocol, Reject, Tuple } from '@whydrop/model';
import { canonicalAddress } from '../address.js';
import type { StreamContext } from '../decoder.js';
import { reject } from '../lines.js';
import { instantFromAsctime } from '../local-time.js';
import type { ConntrackRecord, ConntrackTuple } from './record.js';

function present(value: number): number | undefined {
  return value < 0 ? undefined : value;
}

function tupleOf(own: ConntrackTuple, protocol: Protocol): Tuple | undefined {
  const source = canonicalAddress(own.src);
  const destination = canonicalAddress(own.dst);
  if (source === undefined || destination === undefined) return undefined;
  return {
    protocol,
    source,
    destination,
    sourcePort: present(own.sport),
    destinationPort: present(own.dport),
    icmp: own.type < 0 ? undefined : { type: own.type, code: own.code, id: present(own.icmpId) },
  };
}

function countersOf(own: ConntrackTuple): FlowCounters | undefined {
  if (own.packets === undefined || own.bytes === undefined) return undefined;
  return { packets: own.packets, bytes: own.bytes };
}

function kernelTimes(record: ConntrackRecord, context: StreamContext): { startedAt?: Instant; stoppedAt?: Instant } {
  const zone = context.attributes['timezone'];
  const startedAt = record.start === undefined ? undefined : instantFromAsctime(record.start, zone);
  const stoppedAt = record.stop === undefined ? undefined : instantFromAsctime(record.stop, zone);
  return { ...(startedAt === undefined ? {} : { startedAt }), ...(stoppedAt === undefined ? {} : { stoppedAt }) };
}

/**
 * A conntrack line in our words. Its time is the stamp in front, else the time the stream was opened or the listing
 * taken. Zone 0 is the default zone, which the tool does not print and /proc does: both become undefined.
 */
export function flowOf(record: ConntrackRecord, context: StreamContext): FlowObservation | Reject {
  const observedAt = record.stamp ?? context.observedFrom;
  if (observedAt === undefined)
    return reject('NO_TIME', record.line, record.raw, 'Neither the line nor the stream has a time.');
  const protocol = protocolFromNumber(record.protocol);
  const original = tupleOf(record.original, protocol);
  const reply = tupleOf(record.reply, protocol);
  if (!original || !reply) return reject('BAD_VALUE', record.line, record.raw, 'src= or dst= is no IP address.');
  const flow: FlowObservation = {
    kind: 'flow',
    observedAt,
    event: record.event,
    state: record.state,
    timeout: record.timeout,
    original,
    reply,
    unreplied: record.unreplied,
    assured: record.assured,
    originalCounters: countersOf(record.original),
    replyCounters: countersOf(record.reply),
    mark: record.mark,
    zone: record.zone === 0 ? undefined : record.zone,
    id: record.id,
    raw: record.raw,
    line: record.line,
  };
  if (record.start === undefined && record.stop === undefined) return flow;
  return { ...flow, ...kernelTimes(record, context) };
}
