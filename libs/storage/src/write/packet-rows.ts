import { type PacketObservation, protocolNumber, type TraceObservation, tupleHash } from '@whydrop/model';
import { CopyRows } from './copy.js';

const COLUMNS = [
  'observed_at', 'batch_id', 'line', 'emitter_id', 'channel', 'prefix', 'nflog_group', 'hook',
  'in_interface', 'out_interface', 'physical_in', 'physical_out', 'protocol', 'source', 'destination',
  'source_port', 'destination_port', 'icmp_type', 'icmp_code', 'icmp_id', 'tcp_flags', 'tcp_sequence',
  'length', 'mark', 'hits', 'original_key',
] as const; // prettier-ignore

export function packetRows(expected: number): CopyRows {
  return new CopyRows('packet_log', COLUMNS, expected);
}

/** Adds one logged or traced packet; columns in the order of COLUMNS. */
export function addPacket(
  rows: CopyRows,
  emitterId: number,
  batchId: bigint,
  packet: PacketObservation | TraceObservation,
): void {
  const { tuple } = packet;
  const logged = packet.kind === 'packet' ? packet : undefined;
  rows
    .row()
    .timestamp(packet.observedAt)
    .int8(batchId)
    .int4(packet.line)
    .int4(emitterId)
    .text(logged?.channel ?? 'trace')
    .text(logged?.prefix ?? '')
    .int4(logged?.group)
    .text(logged?.hook)
    .text(packet.inInterface)
    .text(packet.outInterface)
    .text(packet.physicalIn)
    .text(packet.physicalOut)
    .int2(protocolNumber(tuple.protocol))
    .inet(tuple.source)
    .inet(tuple.destination)
    .int4(tuple.sourcePort)
    .int4(tuple.destinationPort)
    .int2(tuple.icmp?.type)
    .int2(tuple.icmp?.code)
    .int4(tuple.icmp?.id)
    .text(packet.tcpFlags.length > 0 ? packet.tcpFlags.join(' ') : undefined)
    .int8(packet.tcpSequence)
    .int4(packet.length)
    .int8(packet.mark)
    .json(packet.kind === 'trace' ? packet.hits : undefined)
    .int8(tupleHash(tuple));
}
