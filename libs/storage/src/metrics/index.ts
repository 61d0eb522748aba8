export { readStoredMetrics, type StoredMetric } from './read.js';
