import type { Instant } from './time.js';

/** Closed list of things a source says about itself or the kernel says beside the packets. */
export const NOTICES = {
  EVENTS_LOST: 'the source lost events: absence proves nothing until the next full listing',
  LOG_SUPPRESSED: 'messages were suppressed by a rate limit: the log is incomplete',
  TRACE_STOPPED: 'the trace reader ended: later packets are not shown',
  CONNTRACK_TABLE_FULL: 'the conntrack table of the node was full, new connections were dropped',
  NEIGHBOUR_TABLE_OVERFLOW: 'the neighbour table of the node was full',
  AGENT_RESTARTED: 'the enforcer started: its rules, sets and counters were rebuilt from nothing',
  POLICY_REFUSED: 'the enforcer refused a policy: the node does not enforce it at all',
  MARTIAN_SOURCE: 'the kernel refused a packet because of its source address (reverse path filter)',
} as const;

export type NoticeCode = keyof typeof NOTICES;

/** A message that is no packet and no flow, and yet changes what the rest may prove. */
export interface NoticeObservation {
  readonly kind: 'notice';
  readonly observedAt: Instant;
  readonly notice: NoticeCode;
  readonly raw: string;
  readonly line: number;
}
