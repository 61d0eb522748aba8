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
