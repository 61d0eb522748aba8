import type { Case } from './case.js';
import { conntrackDecision } from './conntrack-rung.js';
import { flowPictures } from './conntrack-evidence.js';
import type { PacketWitness } from './witness.js';
import { ALLOWED, type Decision } from './draft.js';
import { loggedVerdict } from './verdict-rung.js';
import { observedDraft } from './observed-rung.js';
import { type RuleEvidence, ruleEvidence, undecidedLogs } from './rule-evidence.js';

/** A log rule stands before the verdict: when the same node confirms the connection right after, nothing was dropped. */
const CONFIRMED_WITHIN = 1_000_000;

function wasConfirmed(subject: Case, found: RuleEvidence): boolean {
  if (found.chainRule) return false;
  const logged = found.packets[0]?.packet.observedAt ?? subject.attempt.firstSeenAt;
  return subject.attempt.flows.some(
    ({ node, flow }) =>
      node === found.node && flow.observedAt >= logged && flow.observedAt <= logged + CONFIRMED_WITHIN,
  );
}

/**
 * A bridge floods frames whose destination it does not know: a node where neither end lives, that got the packet over a
 * bridge port and was not sent to by its own address, tells of a copy.
 */
function isFlooded(subject: Case, { node, packet }: PacketWitness): boolean {
  const { judgedSource, destination, original, view } = subject;
  if (!judgedSource.pod || !destination.pod || packet.physicalIn === undefined) return false;
  if (judgedSource.node === node || destination.node === node) return false;
  return original === undefined || view.nodeByIp(original.destination)?.name !== node;
}

function withoutFlooded(subject: Case): Case {
  const { packets } = subject.attempt;
  if (packets.length === 0) return subject;
  const own = packets.filter((witness) => !isFlooded(subject, witness));
  if (own.length === packets.length) return subject;
  const attempt = { ...subject.attempt, packets: own };
  // A getter does not survive being copied: what the policies say stays the first case's to work out.
  return Object.create(subject, { attempt: { value: attempt, enumerable: true } }) as Case;
}

/** A packet was logged by a rule whose fate is not known, and nothing else was seen of it. */
function loggedOnly(subject: Case): Decision {
  const { attempt, surroundings } = subject;
  // A trace that did not end in a drop says that the packet went on.
  const logged = attempt.packets.filter(({ packet }) => packet.kind === 'packet');
  const nodes = [...new Set(logged.map(({ node }) => node))];
  const family = attempt.tuple.source.includes(':') ? 'inet6' : 'inet';
  const known = (node: string) =>
    surroundings
      .rulesets(node, family, attempt.firstSeenAt, attempt.lastPacketAt)
      .some(({ before, after }) => before ?? after);
  const unknown = nodes.filter((node) => !known(node));
  // With the ruleset at hand the log rule was found to let packets go on: a log line alone is no drop.
  if (unknown.length === 0) return ALLOWED;
  return {
    verdict: 'unknown',
    cause: 'UNDECIDED',
    direction: null,
    basis: 'unknown',
    evidence: undecidedLogs(attempt),
    missing: unknown.map((node) => `the ruleset of node ${node} as of then`),
  };
}

/**
 * The order of deciding: what the datapath named (trace, log) first, then what conntrack shows, held against counters and
 * policies. Never a default to "policy": what cannot be decided is UNDECIDED with the missing fact named.
 */
export function decide(asked: Case): Decision {
  const subject = withoutFlooded(asked);
  const found = ruleEvidence(subject.attempt, subject.surroundings, subject.view);
  if (found && !wasConfirmed(subject, found)) return observedDraft(subject, found);
  if (subject.attempt.verdicts.length > 0) return loggedVerdict(subject);
  if (flowPictures(subject.attempt).length > 0) return conntrackDecision(subject);
  return subject === asked ? loggedOnly(subject) : ALLOWED;
}
