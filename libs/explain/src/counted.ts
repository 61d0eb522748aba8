import { createHash } from 'node:crypto';
import type {
  Cause,
  ChainRuleRef,
  FlowVerdictObservation,
  Instant,
  MetricSample,
  PolicyDirection,
  PolicyPart,
  Protocol,
  RuleMiss,
} from '@whydrop/model';
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
}

/** A window with the packets in it that drops with addresses account for. */
export interface CountedDrop extends CountedWindow {
  readonly id: string;
  readonly groupId: string;
  /** At most `packets`. */
  readonly attributed: bigint;
}

/** What nodes and plugins counted over some time. */
export interface Countings {
  /** Neighbouring snapshots of one node, family and backend each. */
  readonly rulesets: readonly RulePair[];
  /** Spans between two snapshots of a node that lie around. */
  readonly looked: readonly { readonly node: string; readonly from: Instant; readonly to: Instant }[];
  readonly metrics: readonly { readonly node: string; readonly sample: MetricSample }[];
  /** Flows without addresses. */
  readonly aggregates: readonly { readonly node: string; readonly verdict: FlowVerdictObservation }[];
}

/** Packets of told drops of one node and span: by the rule that ended them, and by what they were. */
export interface AttributedPackets {
  readonly node: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly chainRule: Pick<ChainRuleRef, 'table' | 'chain' | 'text'> | undefined;
  readonly protocol: Protocol;
  readonly destinationPort: number | undefined;
  readonly packets: bigint;
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

function belongs({ facts, from, to }: CountedWindow, known: AttributedPackets): boolean {
  if (known.node !== facts.node || known.from !== from || known.to !== to) return false;
  const { chainRule, protocol, destinationPort } = facts;
  if (chainRule) {
    const other = known.chainRule;
    return (
      other?.table === chainRule.table && other.chain === chainRule.chain && other.text.trim() === chainRule.text.trim()
    );
  }
  return (
    (protocol === undefined || protocol === known.protocol) &&
    (destinationPort === undefined || destinationPort === known.destinationPort)
  );
}

function hash(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url').slice(0, 22);
}

/** Sets what was counted against what is told: nothing is invented and nothing disappears. */
export function countedDrops(
  cluster: string,
  windows: readonly CountedWindow[],
  attributed: readonly AttributedPackets[],
): readonly CountedDrop[] {
  return windows.map((window) => {
    const known = attributed.filter((each) => belongs(window, each)).reduce((sum, each) => sum + each.packets, 0n);
    const { key, from, to, packets } = window;
    return {
      ...window,
      id: hash(cluster, key, from, to),
      groupId: hash(cluster, key),
      attributed: known < packets ? known : packets,
    };
  });
}
