export * from './counters.js';
export * from './log.js';
export * from './owner.js';
export * from './rule-syntax.js';
export * from './walk.js';
export type { CtState, Route, WalkPacket, WalkStep } from './walk/state.js';
export type { PodName } from './owner/calico-index.js';
export type { PrefixMeaning } from './owner/calico-nflog.js';
export { OWNER_ROLES, type OwnerRole, type RuleOwner } from './owner/rule-owner.js';
