import type {
  ChainRule,
  ChainRuleRef,
  EnforcementPoint,
  EvidenceItem,
  PacketObservation,
  PolicyDirection,
  RulesetSnapshot,
  TraceObservation,
} from '@whydrop/model';
import type { PrefixMeaning, RuleOwner } from '@whydrop/ruleset';
import { chainRuleRef } from './chain-rule-ref.js';
import { isSameEnd, loggedEnds, sharedOwner, snapshotsAt } from './logged-ends.js';
import { loggedVia, tracedVia } from './via.js';
import type { Surroundings } from './surroundings.js';
import type { ClusterView } from './view.js';
import { type Attempt, isEnd, type PacketWitness } from './witness.js';

/** The kernel rule that ended the packets of an attempt, as the datapath itself named it. */
export interface RuleEvidence {
  readonly node: string;
  readonly verdict: 'dropped' | 'rejected';
  /** Undefined when the log names the policy but the ruleset does not tell which rule it was, or none is stored. */
  readonly chainRule: ChainRuleRef | undefined;
  /** The rule that sent it there, where that one says nothing by itself. */
  readonly via: ChainRuleRef | undefined;
  readonly snapshot: RulesetSnapshot | undefined;
  readonly rule: ChainRule | undefined;
  readonly owner: RuleOwner | undefined;
  readonly meaning: PrefixMeaning | undefined;
  readonly direction: PolicyDirection | undefined;
  readonly enforcementPoint: EnforcementPoint;
  /** All packets that met this rule. */
  readonly packets: readonly PacketWitness[];
  readonly evidence: readonly EvidenceItem[];
}

function pointOf(
  node: string,
  packet: PacketObservation | TraceObservation,
  owner: RuleOwner | undefined,
): EnforcementPoint {
  const inferred =
    packet.outInterface === undefined ? 'INPUT' : packet.inInterface === undefined ? 'OUTPUT' : 'FORWARD';
  const hook = packet.kind === 'packet' ? (packet.hook ?? inferred) : inferred;
  return { node, hook, interface: owner?.interface, workload: owner?.workload };
}

/** A logged or traced packet as evidence. */
export function logItem({ node, packet }: PacketWitness): EvidenceItem {
  if (packet.kind === 'trace') {
    const last = packet.hits.at(-1);
    const shows = `the kernel traced the packet to ${last?.table}:${last?.chain}, ${last?.verdict}`;
    return { channel: 'trace', node, observedAt: packet.observedAt, shows, raw: packet.raw };
  }
  const channel = packet.channel === 'nflog' ? 'nflog' : 'kernel-log';
  const shows = `logged with prefix "${packet.prefix}"`;
  return { channel, node, observedAt: packet.observedAt, shows, raw: packet.raw };
}

/** Whether two packets were logged by the same rule of the same node. */
function isAlike(a: PacketWitness, b: PacketWitness): boolean {
  if (a.packet.kind !== 'packet' || b.packet.kind !== 'packet' || a.node !== b.node) return false;
  return a.packet.prefix === b.packet.prefix && a.packet.channel === b.packet.channel;
}

/** The logged packets of a node by the rule that logged them. */
function logsOf({ node }: PacketWitness, attempt: Attempt): readonly (readonly PacketWitness[])[] {
  const own = attempt.packets.filter((other) => other.node === node && other.packet.kind === 'packet');
  const first = own.filter((each, at) => own.findIndex((other) => isAlike(other, each)) === at);
  return first.map((each) => own.filter((other) => isAlike(other, each)));
}

function byLog(
  witness: PacketWitness,
  attempt: Attempt,
  surroundings: Surroundings,
  view: ClusterView,
): RuleEvidence | undefined {
  const { node, packet } = witness;
  if (packet.kind !== 'packet') return undefined;
  const found = loggedEnds(witness, attempt, surroundings, view);
  const meaning = view.owners.policyOfPrefix(packet.prefix);
  const denies = meaning?.verdict === 'deny';
  const one = found.length === 1 ? found[0] : undefined;
  // A prefix that ends packets in one place only and lets them go on in another proves nothing by itself.
  if (found.length === 0 && !denies) return undefined;
  const logs = logsOf(witness, attempt).filter(
    ([other]) =>
      other && (isAlike(other, witness) || (one && isSameEnd(one, loggedEnds(other, attempt, surroundings, view)))),
  );
  return {
    node,
    verdict: one?.verdict === 'reject' ? 'rejected' : 'dropped',
    chainRule: one && chainRuleRef(node, one.table, one.chain, one.end, one.owner),
    via: one && loggedVia(witness, one.snapshot, one.logs, one, surroundings, view),
    snapshot: one?.snapshot,
    rule: one?.rule,
    owner: one?.owner ?? sharedOwner(found),
    meaning: denies ? meaning : undefined,
    // A prefix of a rule that let the packet go on speaks of another endpoint than the one that ended it.
    direction: (denies ? meaning.direction : undefined) ?? one?.owner?.direction,
    enforcementPoint: pointOf(node, packet, one?.owner),
    // Several log rules in front of one end show the same packets.
    packets: logs.toSorted((a, b) => b.length - a.length)[0] ?? [],
    evidence: logs
      .flat()
      .toSorted((a, b) => a.packet.observedAt - b.packet.observedAt)
      .map(logItem),
  };
}

/** Traces that a rule ended, by the same rule of the same node or by another one: one attempt can meet several. */
function tracedEnds(attempt: Attempt, witness: PacketWitness) {
  const place = ({ node, packet }: PacketWitness): string => {
    const last = packet.kind === 'trace' ? packet.hits.at(-1) : undefined;
    return `${node} ${last?.table} ${last?.chain} ${last?.text ?? ''}`;
  };
  const ended = attempt.packets.filter(isEnd);
  const same = ended.filter((other) => place(other) === place(witness));
  return { same, others: ended.filter((other) => other.node !== witness.node) };
}

function byTrace(
  witness: PacketWitness,
  attempt: Attempt,
  surroundings: Surroundings,
  view: ClusterView,
): RuleEvidence | undefined {
  const { node, packet } = witness;
  const last = packet.kind === 'trace' ? packet.hits.at(-1) : undefined;
  if (packet.kind !== 'trace' || !last || !isEnd(witness)) return undefined;
  const snapshots = snapshotsAt(surroundings, node, attempt);
  const text = last.text ?? `:${last.chain} DROP`;
  const located = snapshots.flatMap((snapshot) => {
    const table = snapshot.tables.find((entry) => entry.name === last.table);
    const chain = table?.chains.find((entry) => entry.name === last.chain);
    const rule = chain?.rules.find((entry) => entry.text.trim() === text.trim());
    return rule ? [{ snapshot, rule }] : [];
  })[0];
  const snapshot = located?.snapshot ?? snapshots[0];
  const owner = snapshot && view.owners.ownerOf(snapshot, last.table, last.chain, located?.rule);
  const here = attempt.packets.filter((other) => other.node === node && other.packet.kind === 'trace');
  const { same, others } = tracedEnds(attempt, witness);
  const rule = located?.rule ?? { position: last.position ?? 0, text };
  return {
    node,
    verdict: last.verdict === 'REJECT' ? 'rejected' : 'dropped',
    chainRule: chainRuleRef(node, last.table, last.chain, rule, owner),
    via: snapshot && tracedVia(node, snapshot, packet.hits, view),
    snapshot,
    rule: located?.rule,
    owner,
    meaning: undefined,
    direction: owner?.direction,
    enforcementPoint: pointOf(node, packet, owner),
    packets: same,
    evidence: [...here, ...others].map(logItem),
  };
}

/** Witnesses that name the verdict themselves come before those whose packets were let go on. */
function byStrength(attempt: Attempt, view: ClusterView): readonly PacketWitness[] {
  const denies = ({ packet }: PacketWitness) =>
    packet.kind === 'packet' && view.owners.policyOfPrefix(packet.prefix)?.verdict === 'deny';
  return [...attempt.packets.filter(denies), ...attempt.packets.filter((witness) => !denies(witness))];
}

/** What the datapath itself said ended the packets; the strongest witness first (trace, then log). */
export function ruleEvidence(
  attempt: Attempt,
  surroundings: Surroundings,
  view: ClusterView,
): RuleEvidence | undefined {
  const witnesses = byStrength(attempt, view);
  for (const read of [byTrace, byLog]) {
    for (const witness of witnesses) {
      const found = read(witness, attempt, surroundings, view);
      if (found) return found;
    }
  }
  return undefined;
}

/** Log lines of an attempt that name no rule that ends packets. */
export function undecidedLogs(attempt: Attempt): readonly EvidenceItem[] {
  return attempt.packets.map(logItem);
}
