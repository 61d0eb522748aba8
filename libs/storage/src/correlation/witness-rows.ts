import type { FlowWitness, PacketWitness, VerdictWitness } from '@whydrop/explain';
import {
  type FlowVerdictObservation,
  type Hook,
  type IcmpTuple,
  protocolFromNumber,
  type TcpFlag,
  type TraceHit,
  type Tuple,
} from '@whydrop/model';
import { MICROS } from '../write/batch.js';
import { flowEvent } from '../write/flow-rows.js';
import { AT } from './candidate-keys.js';

interface TupleRow {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly source_port: number | null;
  readonly destination_port: number | null;
  readonly icmp_type: number | null;
  readonly icmp_code: number | null;
  readonly icmp_id: number | null;
}

export interface FlowRow extends TupleRow {
  readonly at: bigint;
  readonly batch_id: bigint;
  readonly line: number;
  readonly node: string;
  readonly event: number;
  readonly state: string | null;
  readonly unreplied: boolean;
  readonly assured: boolean;
  readonly reply_source: string;
  readonly reply_destination: string;
  readonly reply_source_port: number | null;
  readonly reply_destination_port: number | null;
  readonly original_packets: bigint | null;
  readonly original_bytes: bigint | null;
  readonly reply_packets: bigint | null;
  readonly reply_bytes: bigint | null;
  readonly original_key: bigint;
  readonly policy_key: bigint | null;
  readonly effective_key: bigint | null;
}

export const FLOWS = `
  SELECT ${MICROS('f.observed_at')} AS at, f.batch_id, f.line, e.node, f.event, f.protocol, f.state, f.unreplied, f.assured,
         host(f.source) AS source, host(f.destination) AS destination, f.source_port, f.destination_port,
         host(f.reply_source) AS reply_source, host(f.reply_destination) AS reply_destination,
         f.reply_source_port, f.reply_destination_port, f.icmp_type, f.icmp_code, f.icmp_id,
         f.original_packets, f.original_bytes, f.reply_packets, f.reply_bytes,
         f.original_key, f.policy_key, f.effective_key
    FROM flow f JOIN emitter e ON e.id = f.emitter_id
   WHERE e.cluster_id = $1 AND f.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')}
     AND (f.original_key = ANY($2) OR f.policy_key = ANY($2) OR f.effective_key = ANY($2))`;

export interface PacketRow extends TupleRow {
  readonly at: bigint;
  readonly batch_id: bigint;
  readonly line: number;
  readonly node: string;
  readonly channel: string;
  readonly prefix: string;
  readonly nflog_group: number | null;
  readonly hook: Hook | null;
  readonly in_interface: string | null;
  readonly out_interface: string | null;
  readonly physical_in: string | null;
  readonly physical_out: string | null;
  readonly tcp_flags: string | null;
  readonly tcp_sequence: bigint | null;
  readonly length: number | null;
  readonly mark: bigint | null;
  readonly hits: readonly TraceHit[] | null;
}

export const PACKETS = `
  SELECT ${MICROS('p.observed_at')} AS at, p.batch_id, p.line, e.node, p.channel, p.prefix, p.nflog_group, p.hook,
         p.in_interface, p.out_interface, p.physical_in, p.physical_out, p.protocol,
         host(p.source) AS source, host(p.destination) AS destination, p.source_port, p.destination_port,
         p.icmp_type, p.icmp_code, p.icmp_id, p.tcp_flags, p.tcp_sequence, p.length, p.mark, p.hits
    FROM packet_log p JOIN emitter e ON e.id = p.emitter_id
   WHERE e.cluster_id = $1 AND p.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')} AND p.original_key = ANY($2)`;

export interface VerdictRow {
  readonly node: string;
  readonly body: FlowVerdictObservation;
}

export const VERDICTS = `
  SELECT e.node, v.body FROM flow_verdict v JOIN emitter e ON e.id = v.emitter_id
   WHERE e.cluster_id = $1 AND v.observed_at BETWEEN ${AT('$3')} AND ${AT('$4')} AND v.original_key = ANY($2)`;

const bigintOf = (value: unknown) => (typeof value === 'string' ? BigInt(value) : undefined);

/** A stored record is JSON: counters come back as text, and what was undefined is absent. */
export function verdictOf({ node, body }: VerdictRow): readonly VerdictWitness[] {
  const { source, destination } = body.ends;
  if (source === undefined || destination === undefined) return [];
  const { ends } = body;
  const tuple = { ...tupleEnds(ends), source, destination };
  const verdict = {
    ...body,
    packets: bigintOf(body.packets),
    bytes: bigintOf(body.bytes),
    connections: bigintOf(body.connections),
  };
  return [{ node: body.node ?? node, verdict, tuple }];
}

function tupleEnds({ protocol, sourcePort, destinationPort, icmp }: FlowVerdictObservation['ends']) {
  return { protocol, sourcePort, destinationPort, icmp };
}

function icmpOf(row: TupleRow): IcmpTuple | undefined {
  if (row.icmp_type === null) return undefined;
  return { type: row.icmp_type, code: row.icmp_code ?? 0, id: row.icmp_id ?? undefined };
}

export function tupleOf(row: TupleRow): Tuple {
  return {
    protocol: protocolFromNumber(row.protocol),
    source: row.source,
    destination: row.destination,
    sourcePort: row.source_port ?? undefined,
    destinationPort: row.destination_port ?? undefined,
    icmp: icmpOf(row),
  };
}

function counters(packets: bigint | null, bytes: bigint | null) {
  return packets === null || bytes === null ? undefined : { packets, bytes };
}

export function flowOf(row: FlowRow, raw: string): FlowWitness {
  const original = tupleOf(row);
  const reply: Tuple = {
    ...original,
    source: row.reply_source,
    destination: row.reply_destination,
    sourcePort: row.reply_source_port ?? undefined,
    destinationPort: row.reply_destination_port ?? undefined,
  };
  return {
    node: row.node,
    flow: {
      kind: 'flow',
      observedAt: Number(row.at),
      event: flowEvent(row.event),
      state: row.state ?? undefined,
      timeout: undefined,
      original,
      reply,
      unreplied: row.unreplied,
      assured: row.assured,
      originalCounters: counters(row.original_packets, row.original_bytes),
      replyCounters: counters(row.reply_packets, row.reply_bytes),
      mark: undefined,
      zone: undefined,
      id: undefined,
      raw,
      line: row.line,
    },
  };
}

export function packetOf(row: PacketRow, raw: string): PacketWitness {
  const facts = {
    observedAt: Number(row.at),
    tuple: tupleOf(row),
    inInterface: row.in_interface ?? undefined,
    outInterface: row.out_interface ?? undefined,
    physicalIn: row.physical_in ?? undefined,
    physicalOut: row.physical_out ?? undefined,
    tcpFlags: (row.tcp_flags?.split(' ') ?? []) as readonly TcpFlag[],
    tcpSequence: row.tcp_sequence === null ? undefined : Number(row.tcp_sequence),
    length: row.length ?? undefined,
    mark: row.mark === null ? undefined : Number(row.mark),
    raw,
    line: row.line,
  };
  if (row.hits) {
    const family = row.source.includes(':') ? 'inet6' : 'inet';
    return { node: row.node, packet: { ...facts, kind: 'trace', family, traceId: '', hits: row.hits } };
  }
  const channel = row.channel === 'nflog' || row.channel === 'nft-log' ? row.channel : 'kernel-log';
  const group = row.nflog_group ?? undefined;
  return {
    node: row.node,
    packet: { ...facts, kind: 'packet', channel, prefix: row.prefix, group, hook: row.hook ?? undefined },
  };
}
