export { dataHome } from './data-home.js';
export { type LogLevel, openLog } from './log.js';
export { Health, type HealthCheck, type HealthReport } from './health.js';
export { expositionOf, type MetricFamily, type MetricSample } from './exposition.js';
export { openMetrics } from './metrics.js';
export { type Metrics, StoredMetrics, type StoredMetricsOptions } from './stored-metrics.js';
export { serveStatus, type StatusOptions, type StatusServer } from './status-server.js';
