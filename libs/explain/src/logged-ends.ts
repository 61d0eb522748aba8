import type { ChainRule, IpsetSnapshot, PacketObservation, RulesetSnapshot } from '@whydrop/model';
import { endsPacket, type LogRule, type RuleOwner, rulesWithPrefix } from '@whydrop/ruleset';
import { familyOf } from './chain-rule-ref.js';
import { endingsOfLogged } from './logged-walk.js';
import type { Surroundings } from './surroundings.js';
import type { ClusterView } from './view.js';
import type { Attempt, PacketWitness } from './witness.js';

/** The snapshots of one node in the order in which they are to be trusted for a time: before it, then after it. */
export function snapshotsAt(surroundings: Surroundings, node: string, attempt: Attempt): readonly RulesetSnapshot[] {
  const { firstSeenAt, lastPacketAt, tuple } = attempt;
  return surroundings
    .rulesets(node, familyOf(tuple.source), firstSeenAt, lastPacketAt)
    .flatMap(({ before, after }) => [before, after])
    .filter((snapshot) => snapshot !== undefined);
}

/** A rule that may have ended the logged packet; `rule` undefined: a chain policy. */
export interface LoggedEnd {
  readonly snapshot: RulesetSnapshot;
  readonly table: string;
  readonly chain: string;
  readonly end: Pick<ChainRule, 'position' | 'text'>;
  /** Log rules that stand for the packet's prefix. */
  readonly logs: readonly LogRule[];
  readonly rule: ChainRule | undefined;
  readonly verdict: 'drop' | 'reject';
  readonly owner: RuleOwner | undefined;
}

/** Interface of the endpoint that a chain belongs to must be the one the packet came from or goes to. */
function fitsInterfaces(owner: RuleOwner | undefined, packet: PacketObservation): boolean {
  const name = owner?.interface;
  if (name === undefined) return true;
  if (owner?.direction === 'ingress') return packet.outInterface === undefined || packet.outInterface === name;
  if (owner?.direction === 'egress') return packet.inInterface === undefined || packet.inInterface === name;
  return packet.inInterface === name || packet.outInterface === name;
}

/** Ends that stand behind a log rule in its own chain, for the packet's interfaces. */
function behindLog(
  snapshot: RulesetSnapshot,
  logs: readonly LogRule[],
  packet: PacketObservation,
  view: ClusterView,
): readonly LoggedEnd[] {
  return logs.flatMap((log): readonly LoggedEnd[] => {
    const rule = log.endsAt;
    const verdict = rule && endsPacket(rule);
    if (!rule || !verdict || log.mayEndAt.length > 0) return [];
    const { table, chain } = log;
    const owner = view.owners.ownerOf(snapshot, table, chain, rule);
    return fitsInterfaces(owner, packet) ? [{ snapshot, table, chain, end: rule, logs, rule, verdict, owner }] : [];
  });
}

/** The one end that every way of the packet past the log rule leads to; none where ways differ or one lets it pass. */
function byWalk(
  snapshot: RulesetSnapshot,
  ipsets: IpsetSnapshot | undefined,
  logs: readonly LogRule[],
  packet: PacketObservation,
  localAddresses: readonly string[] | undefined,
  view: ClusterView,
): readonly LoggedEnd[] {
  const outcomes = endingsOfLogged(snapshot, ipsets, packet, logs, localAddresses);
  return outcomes.flatMap((outcome): readonly LoggedEnd[] => {
    if (outcome.verdict !== 'drop' && outcome.verdict !== 'reject') return [];
    const { table, chain, rule, position, text, verdict } = outcome;
    if (outcomes.some((other) => other.chain !== chain || other.position !== position)) return [];
    const owner = view.owners.ownerOf(snapshot, table, chain, rule);
    return [{ snapshot, table, chain, end: { position, text }, logs, rule, verdict, owner }];
  });
}

/** Rules that a log line can stand for and that end the packet, nearest snapshot first. */
function candidates(
  witness: PacketWitness,
  attempt: Attempt,
  surroundings: Surroundings,
  view: ClusterView,
): readonly LoggedEnd[] {
  const { node, packet } = witness;
  if (packet.kind !== 'packet') return [];
  for (const snapshot of snapshotsAt(surroundings, node, attempt)) {
    const logs = rulesWithPrefix(snapshot, packet.prefix, packet.group);
    const behind = behindLog(snapshot, logs, packet, view);
    if (behind.length === 1) return behind;
    const ipsets = surroundings.ipsets(node, packet.observedAt);
    const walked = byWalk(snapshot, ipsets, logs, packet, surroundings.localAddresses(node), view);
    if (walked.length > 0) return walked;
    if (behind.length > 0) return behind;
  }
  return [];
}

/** The mark by which Weave knows a packet of a pod of this node that its egress rules let through. */
const WEAVE_EGRESS_PASSED = 0x40000;

/** Weave logs both of its drops alike, on egress and on ingress: where the packet came from and its mark tell which it was. */
function byWeaveMark(
  found: readonly LoggedEnd[],
  { node, packet }: PacketWitness,
  view: ClusterView,
): readonly LoggedEnd[] {
  const weave = found.length > 1 && found.every(({ owner }) => owner?.plugin === 'weave-npc');
  const source = view.podsByIp(packet.tuple.source)[0];
  if (!weave || packet.mark === undefined || !source) return found;
  const direction = source.node === node && (packet.mark & WEAVE_EGRESS_PASSED) === 0 ? 'egress' : 'ingress';
  return found.filter(({ owner }) => owner?.direction === direction);
}

/** What rules that one log line can stand for have in common: the same plugin's policies, in whichever direction. */
export function sharedOwner(found: readonly LoggedEnd[]): RuleOwner | undefined {
  const [first] = found;
  const same = found.every(({ owner }) => owner?.plugin === first?.owner?.plugin && owner?.role === first?.owner?.role);
  return first?.owner && same
    ? { ...first.owner, direction: undefined, workload: undefined, interface: undefined, policy: undefined }
    : undefined;
}

/** Rules that can have ended the logged packet: one when it is known, none when no stored ruleset has the log's prefix. */
export function loggedEnds(
  witness: PacketWitness,
  attempt: Attempt,
  surroundings: Surroundings,
  view: ClusterView,
): readonly LoggedEnd[] {
  return byWeaveMark(candidates(witness, attempt, surroundings, view), witness, view);
}

/** Whether `found` is this one end and no other. */
export function isSameEnd(one: LoggedEnd, found: readonly LoggedEnd[]): boolean {
  const [only, ...others] = found;
  return (
    only?.chain === one.chain &&
    only.table === one.table &&
    only.end.position === one.end.position &&
    others.length === 0
  );
}
