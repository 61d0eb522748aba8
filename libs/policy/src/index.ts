export { createPolicyEngine, type PolicyEngine } from './engine.js';
