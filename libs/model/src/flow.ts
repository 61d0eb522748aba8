import type { Instant } from './time.js';
import type { Tuple } from './tuple.js';

/** `entry` is a line of a dump; the others are events. */
export type FlowEvent = 'new' | 'update' | 'destroy' | 'entry';

/** Packets and bytes of one direction; absent unless the kernel accounts (`nf_conntrack_acct`). */
export interface FlowCounters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/**
 * What one node's conntrack said about a connection at one moment.
 * `original` is as the initiator sent it, before DNAT; `reply` is the tuple of the answer as this node expects it, so
 * `reply.source` is the effective destination (after DNAT) and `reply.destination` the effective source (after SNAT).
 */
export interface FlowObservation {
  readonly kind: 'flow';
  readonly observedAt: Instant;
  readonly event: FlowEvent;
  /** TCP, SCTP or DCCP state by its conntrack name; absent for other protocols and for an expiry without one. */
  readonly state: string | undefined;
  /** Seconds left; absent in a DESTROY caused by expiry. */
  readonly timeout: number | undefined;
  readonly original: Tuple;
  readonly reply: Tuple;
  readonly unreplied: boolean;
  readonly assured: boolean;
  readonly originalCounters: FlowCounters | undefined;
  readonly replyCounters: FlowCounters | undefined;
  readonly mark: number | undefined;
  readonly zone: number | undefined;
  readonly id: number | undefined;
  /** When the kernel created the entry (`nf_conntrack_timestamp`); whole seconds in the text form. */
  readonly startedAt?: Instant;
  /** When the connection ended: truer than `observedAt` of an expiry, which may come most of a minute later. */
  readonly stoppedAt?: Instant;
  /** Line of the stream it came from, as received. */
  readonly raw: string;
  readonly line: number;
}

/**
 * The tuple a policy in FORWARD judges: source before SNAT, destination after DNAT. The same as `original` without DNAT.
 */
export function policyTuple({ original, reply }: Pick<FlowObservation, 'original' | 'reply'>): Tuple {
  const same = original.destination === reply.source && original.destinationPort === reply.sourcePort;
  return same ? original : { ...original, destination: reply.source, destinationPort: reply.sourcePort };
}

/** The tuple as it leaves the node, after DNAT and SNAT: what the next node sees as its original. */
export function effectiveTuple(flow: Pick<FlowObservation, 'original' | 'reply'>): Tuple {
  const [judged, { destination: source, destinationPort: sourcePort }] = [policyTuple(flow), flow.reply];
  const same = judged.source === source && judged.sourcePort === sourcePort;
  return same ? judged : { ...judged, source, sourcePort };
}
