import type { Instant } from './time.js';
import type { Tuple } from './tuple.js';

export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
export type TcpFlag = 'CWR' | 'ECE' | 'URG' | 'ACK' | 'PSH' | 'RST' | 'SYN' | 'FIN';

/** The packet as a rule saw it: headers and interfaces, nothing about a verdict. */
export interface PacketFacts {
  readonly tuple: Tuple;
  readonly inInterface: string | undefined;
  readonly outInterface: string | undefined;
  readonly physicalIn: string | undefined;
  readonly physicalOut: string | undefined;
  readonly tcpFlags: readonly TcpFlag[];
  /** Initial sequence number of a SYN: tells a retry of one attempt from a new attempt on a reused port. */
  readonly tcpSequence: number | undefined;
  /** Length at the IP layer, in bytes. */
  readonly length: number | undefined;
  /** Packet mark; absent means the source does not say, not zero. */
  readonly mark: number | undefined;
}

/** One packet that a LOG or NFLOG rule reported. It proves that the rule matched, not that the packet was dropped. */
export interface PacketObservation extends PacketFacts {
  readonly kind: 'packet';
  readonly observedAt: Instant;
  readonly channel: 'nflog' | 'kernel-log' | 'nft-log';
  /** The rule's prefix: the only link to it. Trailing blanks are kept. */
  readonly prefix: string;
  /** NFLOG group, where the stream or the record names it. */
  readonly group: number | undefined;
  readonly hook: Hook | undefined;
  readonly raw: string;
  readonly line: number;
}

/** One visited rule, or the chain policy that ended the walk. */
export interface TraceHit {
  readonly table: string;
  readonly chain: string;
  /** nft handle (xtables-monitor) or 1-based position (legacy); undefined for a chain policy. */
  readonly handle: number | undefined;
  readonly position: number | undefined;
  readonly verdict:
    'ACCEPT' | 'DROP' | 'REJECT' | 'CONTINUE' | 'RETURN' | 'JUMP' | 'GOTO' | 'POLICY_ACCEPT' | 'POLICY_DROP';
  readonly jumpTo: string | undefined;
  /** Rule text from `-A` on, as iptables-save prints it. */
  readonly text: string | undefined;
}

/** One packet's way through one or more base chains, as the kernel traced it. */
export interface TraceObservation extends PacketFacts {
  readonly kind: 'trace';
  readonly observedAt: Instant;
  readonly family: 'inet' | 'inet6';
  readonly traceId: string;
  readonly hits: readonly TraceHit[];
  readonly raw: string;
  readonly line: number;
}
