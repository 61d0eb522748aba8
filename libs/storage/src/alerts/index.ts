export { ALERT_CHANNEL } from './alert.store.js';
export { evaluateAlerts, type EvaluationResult } from './evaluate.js';
export { type AlertChange, listenAlerts } from './listen.js';
export {
  createRule,
  deleteRule,
  enableRule,
  type RuleChanged,
  type RuleRefusal,
  type RuleSource,
  syncRules,
  updateRule,
} from './rule.store.js';
export { createSilence, expireSilence, type NewSilence } from './silence.store.js';
