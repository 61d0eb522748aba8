import { type ChainRuleRef, type IpsetSnapshot, type RulesetSnapshot, tupleKey } from '@whydrop/model';
import { type PathStop, type WalkOutcome, walkPacket } from '@whydrop/ruleset';
import type { Case } from './case.js';
import { chainRuleRef, familyOf } from './chain-rule-ref.js';
import { asksSourcePort } from './like.js';
import { viaRef } from './via.js';
import type { ClusterView } from './view.js';
import { counterWindow, type CounterWindow, type MovedCounter, widerWindow } from './counter-evidence.js';

/** What a packet meets on the node of the pod it is for. Its tuple is the one behind DNAT already. */
const TO_POD: readonly PathStop[] = ['raw:PREROUTING', 'mangle:PREROUTING', 'mangle:FORWARD', 'filter:FORWARD'];
const TO_NODE: readonly PathStop[] = ['raw:PREROUTING', 'mangle:PREROUTING', 'mangle:INPUT', 'filter:INPUT'];

/** Interface by which a node reaches a pod, where a chain of the plugin says so. */
function podInterface(subject: Case, snapshot: RulesetSnapshot): string | undefined {
  const pod = subject.destination.pod;
  if (!pod) return undefined;
  for (const table of snapshot.tables) {
    for (const chain of table.chains) {
      const owner = subject.view.owners.ownerOf(snapshot, table.name, chain.name);
      const own = owner?.workload?.namespace === pod.namespace && owner.workload.pod === pod.name;
      if (own && owner.interface !== undefined) return owner.interface;
    }
  }
  return undefined;
}

interface Walked {
  readonly ipsets: IpsetSnapshot | undefined;
  readonly outcomes: readonly WalkOutcome[];
}

/** Ways of like packets through a ruleset, as long as the sets of the node are the same. */
const walked = new WeakMap<ClusterView, WeakMap<RulesetSnapshot, Map<string, Walked>>>();

function walkedFor(view: ClusterView, snapshot: RulesetSnapshot): Map<string, Walked> {
  const snapshots = walked.get(view) ?? new WeakMap<RulesetSnapshot, Map<string, Walked>>();
  walked.set(view, snapshots);
  const known = snapshots.get(snapshot) ?? new Map<string, Walked>();
  snapshots.set(snapshot, known);
  return known;
}

/** Every rule that may end the first packet of the attempt on a node, by the ruleset it ran then. */
function endings(subject: Case, node: string, snapshot: RulesetSnapshot): readonly WalkOutcome[] {
  const { tuple, destination, surroundings, attempt } = subject;
  const ipsets = surroundings.ipsets(node, attempt.firstSeenAt);
  const like = asksSourcePort(snapshot) ? tuple : { ...tuple, sourcePort: undefined };
  const key = `${node} ${destination.role} ${tupleKey(like)}`;
  const ways = walkedFor(subject.view, snapshot);
  const known = ways.get(key);
  if (known?.ipsets === ipsets && known) return known.outcomes;
  const outcomes = walk(subject, node, snapshot, ipsets);
  ways.set(key, { ipsets, outcomes });
  return outcomes;
}

function walk(
  subject: Case,
  node: string,
  snapshot: RulesetSnapshot,
  ipsets: IpsetSnapshot | undefined,
): readonly WalkOutcome[] {
  const outInterface = podInterface(subject, snapshot);
  const localAddresses = subject.surroundings.localAddresses(node);
  const { outcomes } = walkPacket({
    ruleset: snapshot,
    ipsets,
    ...(localAddresses ? { localAddresses } : {}),
    path: subject.destination.role === 'node' ? TO_NODE : TO_POD,
    packet: {
      tuple: subject.tuple,
      ctstate: 'NEW',
      physicalIn: undefined,
      ...(outInterface === undefined ? {} : { outInterface }),
      ...(subject.tuple.protocol === 'TCP' ? { tcpFlags: ['SYN'] as const } : {}),
    },
  });
  return outcomes;
}

/** A rule that ends a packet, and the one that sent it there. */
export interface DecidingRule {
  readonly chainRule: ChainRuleRef;
  readonly via: ChainRuleRef | undefined;
}

/**
 * The one rule by which a node ends the packet, by the ruleset it ran then: for a drop that the plugin logged without
 * naming the rule. Undefined when the ruleset is not known or leaves several ends possible.
 */
export function decidingRule(subject: Case, node: string): DecidingRule | undefined {
  const { attempt, surroundings, view, tuple } = subject;
  const family = tuple.source.includes(':') ? 'inet6' : 'inet';
  const pairs = surroundings.rulesets(node, family, attempt.firstSeenAt, attempt.lastPacketAt);
  for (const snapshot of pairs.flatMap(({ before, after }) => before ?? after ?? [])) {
    const ends = endings(subject, node, snapshot).filter(({ verdict }) => verdict === 'drop' || verdict === 'reject');
    const [only, ...others] = ends;
    if (!only || others.length > 0) continue;
    const owner = view.owners.ownerOf(snapshot, only.table, only.chain, only.rule);
    const { table, chain, position, text, path } = only;
    return {
      chainRule: chainRuleRef(node, table, chain, { position, text }, owner),
      via: viaRef(node, snapshot, path, view),
    };
  }
  return undefined;
}

function isSame(outcome: WalkOutcome, { delta }: MovedCounter): boolean {
  if (outcome.table !== delta.table || outcome.chain !== delta.chain) return false;
  return outcome.rule ? outcome.rule.text === delta.rule?.text : delta.rule === undefined;
}

/** A moved counter that a packet can have met, and the rule that would have sent it there. */
export interface MetCounter extends MovedCounter {
  readonly via: ChainRuleRef | undefined;
}

/** A chain that is one pod's, in one direction, is met by what that pod sends, or by what is for it. */
function isOnTheWay({ judgedSource, destination }: Case, { owner }: MovedCounter): boolean {
  const pod = owner?.workload;
  if (!pod || owner.direction === undefined) return true;
  const end = owner.direction === 'egress' ? judgedSource.pod : destination.pod;
  return end?.namespace === pod.namespace && end.name === pod.pod;
}

/**
 * Of the rules whose counters moved, those that can have counted this attempt: the packet is run through the ruleset of
 * that node, and only where it may end does a counter say something about it.
 */
function countersMetBy(subject: Case, node: string, window: CounterWindow): readonly MetCounter[] {
  const known = new Map<RulesetSnapshot, readonly WalkOutcome[]>();
  const outcomesOf = (snapshot: RulesetSnapshot) => {
    const found = known.get(snapshot) ?? endings(subject, node, snapshot);
    known.set(snapshot, found);
    return found;
  };
  const onTheWay = window.moved.filter((moved) => isOnTheWay(subject, moved));
  const possible = onTheWay.flatMap((moved): readonly MetCounter[] => {
    const met = outcomesOf(moved.snapshot).find((outcome) => isSame(outcome, moved));
    return met ? [{ ...moved, via: viaRef(node, moved.snapshot, met.path, subject.view) }] : [];
  });
  const own = possible.filter(({ owner }) => owner?.workload !== undefined);
  return own.length > 0 ? own : possible;
}

/** What the counters of a node say of one attempt. `complete`: whatever ended it there, a counter would have moved. */
export interface MetCounters {
  readonly complete: boolean;
  readonly moved: readonly MetCounter[];
}

/** Whether a rule that ends the attempt's packet had counted something by then, or does not say. */
function hasCounted(subject: Case, node: string, snapshot: RulesetSnapshot): boolean {
  const policy = ({ table, chain }: WalkOutcome) =>
    snapshot.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain);
  return endings(subject, node, snapshot).some((outcome) => {
    if (outcome.verdict !== 'drop' && outcome.verdict !== 'reject') return false;
    const counter = (outcome.rule ?? policy(outcome))?.counter;
    return counter === undefined || counter.packets > 0n;
  });
}

/**
 * The counters that an attempt can have moved between the snapshots around it, else since the one before these: a snapshot
 * that bears a stamp just before the attempt may have counted it already, where it had counted anything.
 */
export function countersAround(subject: Case, node: string): MetCounters {
  const { attempt, surroundings, view } = subject;
  const pairs = surroundings.rulesets(node, familyOf(attempt.tuple.source), attempt.firstSeenAt, attempt.lastPacketAt);
  const window = counterWindow(attempt, node, surroundings, view);
  const moved = countersMetBy(subject, node, window);
  if (moved.length > 0) return { complete: window.complete, moved };
  const wider = widerWindow(attempt, node, surroundings, view);
  const early = () => pairs.some(({ before }) => before && hasCounted(subject, node, before));
  return { complete: window.complete && (wider.complete || !early()), moved: countersMetBy(subject, node, wider) };
}
