import { createHash } from 'node:crypto';
import type {
  Cause,
  ChainRuleRef,
  Family,
  FlowVerdictObservation,
  Instant,
  MetricSample,
  PolicyDirection,
  PolicyPart,
  Protocol,
  RuleMiss,
  RulesetBackend,
} from '@whydrop/model';
import { conserveWindows, ruleIdentity } from './conservation.js';
import { flowWindows } from './counted-flows.js';
import { metricWindows } from './counted-metrics.js';
import { type RulePair, ruleWindows } from './counted-rules.js';
import type { ClusterHistory } from './history.js';

/** What was counted, and what is known of it: everything but addresses. The same for all windows of a group. */
export interface CountedFacts {
  readonly channel: 'counter' | 'metric' | 'flow-log';
  /** Empty when the record names none. */
  readonly node: string;
  readonly verdict: 'dropped' | 'rejected';
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  /** Where: `db-0`; undefined when only the node is known. */
  readonly endpoint: string | undefined;
  /** Ends as an aggregate names them: `client-*`, `server-*`. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly protocol: Protocol | undefined;
  readonly destinationPort: number | undefined;
  readonly policies: readonly PolicyPart[];
  readonly misses: readonly RuleMiss[];
  readonly chainRule: ChainRuleRef | undefined;
  /** What counted it, to be read aloud: `Rule 6 of chain X`, `weavenpc_blocked_connections_total`. */
  readonly counter: string;
  readonly assumptions: readonly string[];
  readonly missing: readonly string[];
}

/** One counter between two looks at it, or one aggregate of a flow log. */
export interface CountedWindow {
  /** What tells one group of counted drops from another, in one cluster. */
  readonly key: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly packets: bigint;
  /** The counter was reset in between, or the source shows less than it counts. */
  readonly isLowerBound: boolean;
  readonly facts: CountedFacts;
  /** Of what addresses a rule counts. */
  readonly family?: Family;
  /** What of this window was not counted, and why. */
  readonly lost?: readonly string[];
}

/** A window with the packets in it that drops with addresses account for. */
export interface CountedDrop extends CountedWindow {
  readonly id: string;
  readonly groupId: string;
  /** At most `packets`. */
  readonly attributed: bigint;
  /** Of the rest: everything is known but their addresses. */
  readonly countedOnly: bigint;
  /** Told as drops beyond `packets`. */
  readonly excess: bigint;
}

/** A time between two looks at the rules of a node. */
export interface LookedSpan {
  readonly node: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly family?: Family;
  readonly backend?: RulesetBackend;
}

/** What nodes and plugins counted over some time. */
export interface Countings {
  /** Neighbouring snapshots of one node, family and backend each. */
  readonly rulesets: readonly RulePair[];
  /** Spans between two snapshots of a node that lie around. */
  readonly looked: readonly LookedSpan[];
  readonly metrics: readonly { readonly node: string; readonly sample: MetricSample }[];
  /** Flows without addresses. */
  readonly aggregates: readonly { readonly node: string; readonly verdict: FlowVerdictObservation }[];
}

/** Packets of told drops of one node and span: by the rule that ended them, and by what they were. */
export interface AttributedPackets {
  readonly node: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly chainRule: Pick<ChainRuleRef, 'table' | 'chain' | 'text' | 'owner'> | undefined;
  readonly protocol: Protocol;
  readonly destinationPort: number | undefined;
  readonly packets: bigint;
  /** Of their addresses; undefined when they are told to any counter. */
  readonly family?: Family;
  /** Of these, seen just after the beginning. */
  readonly early?: bigint;
}

/**
 * Everything that was counted as dropped, window by window. A plugin's metric is left out where the rules of its node
 * were read at the same time: they count the same packets. Pure, and the order of what is given does not matter.
 */
export function countedWindows(countings: Countings, history: ClusterHistory): readonly CountedWindow[] {
  const rules = ruleWindows(countings.rulesets, history);
  const alone = metricWindows(countings.metrics).filter(
    ({ facts, from, to }) =>
      !countings.looked.some((look) => look.node === facts.node && look.from < to && look.to > from),
  );
  return [...rules, ...alone, ...flowWindows(countings.aggregates, history)].toSorted(
    (a, b) => a.from - b.from || a.to - b.to || (a.key < b.key ? -1 : 1),
  );
}

function belongs({ facts, family, from, to }: CountedWindow, known: AttributedPackets): boolean {
  if (known.node !== facts.node || known.from !== from || known.to !== to) return false;
  if (known.family !== undefined && known.family !== family) return false;
  const { chainRule, protocol, destinationPort } = facts;
  if (chainRule) return known.chainRule !== undefined && ruleIdentity(known.chainRule) === ruleIdentity(chainRule);
  return (
    (protocol === undefined || protocol === known.protocol) &&
    (destinationPort === undefined || destinationPort === known.destinationPort)
  );
}

function hash(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);
}

/** Windows of one counter and time are one: equal rules of a chain, two aggregates that say the same. */
function folded(windows: readonly CountedWindow[]): readonly CountedWindow[] {
  const found = new Map<string, CountedWindow>();
  for (const window of windows) {
    const id = `${window.key} ${window.from} ${window.to}`;
    const known = found.get(id);
    if (!known) found.set(id, window);
    else {
      const lost = [...new Set([...(known.lost ?? []), ...(window.lost ?? [])])];
      const isLowerBound = known.isLowerBound || window.isLowerBound;
      const kept = known.packets > 0n ? known : window;
      found.set(id, { ...kept, packets: known.packets + window.packets, isLowerBound, lost });
    }
  }
  return [...found.values()];
}

/** Windows of one counter, oldest first. */
function byCounter(windows: readonly CountedWindow[]): readonly (readonly CountedWindow[])[] {
  const counters = new Map<string, CountedWindow[]>();
  for (const window of windows) {
    const known = counters.get(window.key);
    if (known) known.push(window);
    else counters.set(window.key, [window]);
  }
  return [...counters.values()].map((all) => all.toSorted((a, b) => a.from - b.from || a.to - b.to));
}

/** The told packets of each node and span, so that a window looks at its own only. */
function toldBySpan(attributed: readonly AttributedPackets[]): (window: CountedWindow) => readonly AttributedPackets[] {
  const spans = new Map<string, AttributedPackets[]>();
  const key = (node: string, from: Instant, to: Instant) => `${from} ${to} ${node}`;
  for (const known of attributed) {
    const at = key(known.node, known.from, known.to);
    const list = spans.get(at);
    if (list) list.push(known);
    else spans.set(at, [known]);
  }
  return (window) =>
    (spans.get(key(window.facts.node, window.from, window.to)) ?? []).filter((known) => belongs(window, known));
}

/**
 * Sets what was counted against what is told: nothing is invented and nothing disappears. Of every window
 * packets = attributed + countedOnly + unexplained; what is told beyond that is its `excess`.
 */
export function countedDrops(
  cluster: string,
  windows: readonly CountedWindow[],
  attributed: readonly AttributedPackets[],
): readonly CountedDrop[] {
  const toldOf = toldBySpan(attributed);
  const sum = (values: readonly (bigint | undefined)[]) => values.reduce<bigint>((all, each) => all + (each ?? 0n), 0n);
  const drops = byCounter(folded(windows)).flatMap((counter) => {
    const conserved = conserveWindows(
      counter.map((window) => {
        const told = toldOf(window);
        const [packets, early] = [sum(told.map((each) => each.packets)), sum(told.map((each) => each.early))];
        const { missing } = window.facts;
        return { ...window, told: packets, early, isKindKnown: missing.length <= 1 || packets > 0n };
      }),
    );
    return counter.map((window, i): CountedDrop => {
      const { attributed: told = 0n, countedOnly = 0n, excess = 0n } = conserved[i] ?? {};
      const { key, from, to } = window;
      const ids = { id: hash(cluster, key, from, to), groupId: hash(cluster, key) };
      return { ...window, ...ids, attributed: told, countedOnly, excess };
    });
  });
  return drops.toSorted((a, b) => a.from - b.from || a.to - b.to || (a.key < b.key ? -1 : 1));
}
