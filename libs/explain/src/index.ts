export { correlate, type CorrelatedDrop } from './correlate.js';
export {
  byCommonTime,
  type ClockOffsets,
  clockOffsets,
  type ClockPair,
  offsetsOf,
  onOneClock,
  type Opening,
} from './skew.js';
export { SETTLE_MICROS } from './conntrack-rung.js';
export { changesBefore, type FirstDrop } from './changes.js';
export { changedSince } from './changed-since.js';
export { dropGroupKey, type DropGroupKey, type GroupEnd } from './group.js';
export { createHostFacts, HOST_METRICS, type HostFacts, type Located } from './host-facts.js';
export { type ClusterHistory, createClusterHistory } from './history.js';
export { sentenceOf, type SentenceEnds } from './sentence.js';
export type { SnapshotPair, Surroundings } from './surroundings.js';
export { type ClusterView, connectionEnd, explainEnd } from './view.js';
export {
  type Attempt,
  attemptsOf,
  type FlowWitness,
  type PacketWitness,
  rawLines,
  type VerdictWitness,
  type Witnesses,
} from './witness.js';
export {
  type AttributedPackets,
  type CountedDrop,
  countedDrops,
  type CountedFacts,
  type Countings,
  type CountedWindow,
  countedWindows,
  type LookedSpan,
} from './counted.js';
export { type MovedRule, movedRules, type RulePair } from './counted-rules.js';
export { DROP_METRICS } from './counted-metrics.js';
export { countedSentence, type CountedSum } from './counted-sentence.js';
export { checkNode, type NodeCheck, type NodeCheckResult, type NodeDrift } from './node-check.js';
export { type DriftCheck, type DriftEpisode, driftKey, followDrifts } from './drift-episodes.js';
export { SETTLE } from './policy-rung.js';
export { ruleIdentity, SNAPSHOT_TAKES, spreadDrop } from './conservation.js';
