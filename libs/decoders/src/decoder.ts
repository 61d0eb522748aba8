import type { Instant, Reject } from '@whydrop/model';
import type { FormatId } from './format.js';
import type { Decoded } from './observation.js';

/** What a stream knows that its lines do not say. */
export interface StreamContext {
  /** When a snapshot (iptables-save, ipset save, conntrack -L, interfaces) was taken; the start of a capture otherwise. */
  readonly observedFrom: Instant | undefined;
  readonly observedTo: Instant | undefined;
  /** Line number of the payload's first line in its file, from 1. */
  readonly firstLine: number;
  /**
   * `group` (NFLOG group), `backend` (`legacy`, `nft`), `year` (of time stamps without one), `bootTime` (seconds since
   * 1970 at which the node's boot clock was 0), `timezone` (of local times: `+02:00` or an IANA name; UTC when absent).
   */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Reads one input format, in two steps with two types: bytes to the format's own record, record to our words.
 * Neither step throws on input: what is not understood becomes a reject, and the rest goes on.
 */
export interface Decoder<Own> {
  readonly format: FormatId;
  /** One line: what it reads, and where the format comes from. */
  readonly doc: string;
  decode(payload: string, context: StreamContext): Iterable<Own | Reject>;
  normalise(record: Own, context: StreamContext): Decoded | readonly Decoded[];
}

/** A decoder whose own record type is nobody else's business. */
export type AnyDecoder = Decoder<unknown>;
