import type { Cause, PodEndpoint } from '@whydrop/model';
import type { Case } from './case.js';
import type { Draft } from './draft.js';
import type { FlowWitness } from './witness.js';
import { flowItemOf } from './conntrack-evidence.js';
import type { RuleEvidence } from './rule-evidence.js';

/** A closed connection's last packets may be repeated for so long, in µs. */
const LATE = 120_000_000;
/** A reply that is judged anew follows its request within seconds, in µs. */
const REPLY = 10_000_000;
/** An entry that lived this long without being closed has expired, in µs; the shortest timeout in use is minutes. */
const IDLE = 300_000_000;

/** A TCP packet that opens nothing: no SYN, or a SYN that answers one. */
function opensNothing({ packets }: RuleEvidence, protocol: string): boolean {
  if (protocol !== 'TCP') return false;
  const flags = packets.map(({ packet }) => packet.tcpFlags);
  return flags.length > 0 && flags.every((set) => set.length > 0 && (!set.includes('SYN') || set.includes('ACK')));
}

type State = Pick<Draft, 'cause' | 'direction'> & Partial<Draft>;

function state(cause: Cause, flows: readonly FlowWitness[], extra: Partial<Draft> = {}): State {
  return { cause, direction: null, evidence: flows.map(flowItemOf), ...extra };
}

/**
 * An entry whose time is over is taken away when the next packet looks for it: its DESTROY is stamped some µs after that
 * packet, and a busy kernel tells of it later still, in µs.
 */
const LAZY = 1_000_000;

const CLOSING = new Set(['FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE']);

/** The end of an entry shortly before, and whether its connection had been closed or had only been idle. */
function endBefore(flows: readonly FlowWitness[], at: number) {
  const ended = flows.findLast(({ flow }) => flow.event === 'destroy' && flow.observedAt <= at + LAZY);
  if (!ended || ended.flow.observedAt < at - LATE) return undefined;
  const own = flows.filter(({ node, flow }) => node === ended.node && flow.observedAt <= ended.flow.observedAt);
  const closed = own.some(({ flow }) => flow.state !== undefined && CLOSING.has(flow.state));
  const active = own.findLast(({ flow }) => flow.event !== 'destroy');
  const quiet = !active || ended.flow.observedAt - active.flow.observedAt >= IDLE;
  // Newer kernels print the state in which the entry ended: nobody had closed it.
  const idle = ended.flow.assured && (ended.flow.state === 'ESTABLISHED' || quiet);
  return { ended, kind: closed || !idle ? 'closed' : 'expired' } as const;
}

function declares(pod: PodEndpoint | undefined, port: number | undefined, protocol: string): boolean {
  return pod?.ports.some((one) => one.port === port && one.protocol === protocol) ?? false;
}

function sourcePod({ view, judgedSource }: Case): PodEndpoint | undefined {
  const { pod } = judgedSource;
  return pod && view.pod(pod.namespace, pod.name);
}

/** A packet that answers a connection which other nodes know and the one that dropped it does not. */
function answer(subject: Case, found: RuleEvidence, at: number): State | undefined {
  const { tuple, related } = subject;
  const open = related
    .reverse(tuple)
    .filter(({ flow }) => flow.event !== 'destroy' && Math.abs(at - flow.observedAt) <= REPLY);
  const here = open.some(({ node }) => node === found.node);
  if (found.owner?.role === 'conntrack-invalid')
    return !here && open.length > 0 ? state('ASYMMETRIC', open.slice(0, 1)) : undefined;
  if (open.length > 0) return state('REVERSED_REPLY', open.slice(0, 1));
  if (!declares(sourcePod(subject), tuple.sourcePort, tuple.protocol)) return undefined;
  const assumptions = [
    `port ${tuple.sourcePort} of ${subject.judgedSource.label} is the one it serves: the packet is an answer`,
  ];
  return state('REVERSED_REPLY', [], { assumptions });
}

/**
 * A packet that opens no connection is looked at before any policy is talked of: it may be late, its entry may have
 * expired, it may be an answer. Undefined: the rule that ended it has the word.
 */
export function stateCause(subject: Case, found: RuleEvidence): State | undefined {
  const { tuple, related } = subject;
  const datagram = tuple.protocol === 'UDP' && found.owner?.role !== 'conntrack-invalid';
  const first = found.packets[0]?.packet;
  if (!first) return undefined;
  if (datagram) {
    const open = related
      .reverse(tuple)
      .filter(({ flow }) => flow.observedAt <= first.observedAt && first.observedAt - flow.observedAt <= REPLY);
    const mine = related.same(tuple).some(({ flow }) => flow.observedAt <= first.observedAt);
    return open.length > 0 && !mine ? state('REVERSED_REPLY', open.slice(0, 1)) : undefined;
  }
  if (!opensNothing(found, tuple.protocol)) return undefined;
  const flags = first.tcpFlags;
  const before = endBefore(
    [...related.same(tuple), ...related.reverse(tuple)].toSorted((a, b) => a.flow.observedAt - b.flow.observedAt),
    first.observedAt,
  );
  if (before && !flags.includes('SYN'))
    return state(before.kind === 'closed' ? 'LATE_AFTER_CLOSE' : 'IDLE_EXPIRED', [before.ended]);
  return answer(subject, found, first.observedAt);
}

/** Whether every logged packet of the attempt opens nothing, and nothing is known of the connection it belongs to. */
export function isMidStream(found: RuleEvidence, subject: Case): boolean {
  return opensNothing(found, subject.tuple.protocol);
}
