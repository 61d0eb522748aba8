import {
  effectiveTuple,
  type FlowObservation,
  type FlowEvent,
  policyTuple,
  protocolNumber,
  tupleHash,
  tupleKey,
} from '@whydrop/model';
import { CopyRows } from './copy.js';

/** How events are stored. */
export const EVENT_CODES: Readonly<Record<FlowEvent, number>> = { new: 1, update: 2, destroy: 4, entry: 8 };
const EVENTS = new Map(Object.entries(EVENT_CODES).map(([name, code]) => [code, name as FlowEvent]));

export function flowEvent(code: number): FlowEvent {
  return EVENTS.get(code) ?? 'entry';
}

const COLUMNS = [
  'observed_at', 'batch_id', 'line', 'emitter_id', 'event', 'protocol', 'state', 'unreplied', 'assured',
  'source', 'destination', 'source_port', 'destination_port',
  'reply_source', 'reply_destination', 'reply_source_port', 'reply_destination_port',
  'icmp_type', 'icmp_code', 'icmp_id',
  'original_packets', 'original_bytes', 'reply_packets', 'reply_bytes',
  'mark', 'zone', 'conntrack_id', 'original_key', 'policy_key', 'effective_key',
] as const; // prettier-ignore

/** Hashes under which a flow is found; a key that equals the one before it is null. */
export function flowKeys(flow: FlowObservation): { original: number; policy: number | null; effective: number | null } {
  const policy = policyTuple(flow);
  const effective = effectiveTuple(flow);
  const [originalKey, policyKey, effectiveKey] = [tupleKey(flow.original), tupleKey(policy), tupleKey(effective)];
  return {
    original: tupleHash(flow.original),
    policy: policyKey === originalKey ? null : tupleHash(policy),
    effective: effectiveKey === policyKey ? null : tupleHash(effective),
  };
}

export function flowRows(expected: number): CopyRows {
  return new CopyRows('flow', COLUMNS, expected);
}

/** Adds one flow; columns in the order of COLUMNS. */
export function addFlow(rows: CopyRows, emitterId: number, batchId: bigint, flow: FlowObservation): void {
  const { original, reply } = flow;
  const plain = original.source === reply.destination && original.destination === reply.source;
  const samePorts = original.sourcePort === reply.destinationPort && original.destinationPort === reply.sourcePort;
  // Without NAT, the common case, one hash is all there is.
  const keys = plain && samePorts ? { original: tupleHash(original), policy: null, effective: null } : flowKeys(flow);
  rows
    .row()
    .timestamp(flow.observedAt)
    .int8(batchId)
    .int4(flow.line)
    .int4(emitterId)
    .int2(EVENT_CODES[flow.event])
    .int2(protocolNumber(original.protocol))
    .text(flow.state)
    .bool(flow.unreplied)
    .bool(flow.assured)
    .inet(original.source)
    .inet(original.destination)
    .int4(original.sourcePort)
    .int4(original.destinationPort)
    .inet(reply.source)
    .inet(reply.destination)
    .int4(reply.sourcePort)
    .int4(reply.destinationPort)
    .int2(original.icmp?.type)
    .int2(original.icmp?.code)
    .int4(original.icmp?.id)
    .int8(flow.originalCounters?.packets)
    .int8(flow.originalCounters?.bytes)
    .int8(flow.replyCounters?.packets)
    .int8(flow.replyCounters?.bytes)
    .int8(flow.mark)
    .int4(flow.zone)
    .int8(flow.id)
    .int8(keys.original)
    .int8(keys.policy)
    .int8(keys.effective);
}
