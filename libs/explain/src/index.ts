export { correlate, type CorrelatedDrop } from './correlate.js';
export { SETTLE_MICROS } from './conntrack-rung.js';
export { dropGroupKey, type DropGroupKey, type GroupEnd } from './group.js';
export { type ClusterHistory, createClusterHistory } from './history.js';
export { sentenceOf, type SentenceEnds } from './sentence.js';
export type { SnapshotPair, Surroundings } from './surroundings.js';
export { type ClusterView, connectionEnd, explainEnd } from './view.js';
export {
  type Attempt,
  attemptsOf,
  type FlowWitness,
  type PacketWitness,
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
} from './counted.js';
export { type MovedRule, movedRules, type RulePair } from './counted-rules.js';
export { DROP_METRICS } from './counted-metrics.js';
export { countedSentence, type CountedSum } from './counted-sentence.js';
