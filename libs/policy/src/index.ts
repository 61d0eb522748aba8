export { createPolicyEngine, type AskedVerdict, type PolicyEngine } from './engine.js';
export { proposeFix } from './fix/propose.js';
export { invalidParts } from './invalid-parts.js';
export { isPolicy } from './kinds/kinds.js';
export { matches, parseSelector, selectorText, type Selector } from './selector/selector.js';
export { policyName } from './sentence.js';
export { podsOfTemplates, isWorkload } from './template-pods.js';
export type { ConnectionRequest, RequestTarget } from './target.js';
export type { Problem } from './yaml-value.js';
