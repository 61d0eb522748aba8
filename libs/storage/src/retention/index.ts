export { DEFAULT_RETENTION, parseRetention, RetentionError, type RetentionPolicy } from './policy.js';
export { applyRetention, type RetentionResult } from './run.js';
