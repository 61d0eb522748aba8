import type { FlowEvent, Instant } from '@whydrop/model';

/** One direction of an entry in conntrack's own words; -1 stands for an absent number, '' for an absent address. */
export interface ConntrackTuple {
  src: string;
  dst: string;
  sport: number;
  dport: number;
  type: number;
  code: number;
  icmpId: number;
  packets: bigint | undefined;
  bytes: bigint | undefined;
}

/** One line of conntrack in its own words. `stamp` is the time the tool printed it (`-o timestamp`). */
export interface ConntrackRecord {
  line: number;
  raw: string;
  stamp: Instant | undefined;
  event: FlowEvent;
  protocol: number;
  timeout: number | undefined;
  state: string | undefined;
  original: ConntrackTuple;
  reply: ConntrackTuple;
  unreplied: boolean;
  assured: boolean;
  mark: number | undefined;
  zone: number | undefined;
  id: number | undefined;
  /** `[start=…]`, `[stop=…]`: asctime, local zone of the node. */
  start: string | undefined;
  stop: string | undefined;
}

/** An empty direction. */
export function emptyTuple(): ConntrackTuple {
  return {
    src: '',
    dst: '',
    sport: -1,
    dport: -1,
    type: -1,
    code: -1,
    icmpId: -1,
    packets: undefined,
    bytes: undefined,
  };
}
