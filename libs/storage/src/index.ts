export { openDatabase, type Database, type Sql } from './database.js';
export { countAttempt, loadBatch, openBatches, type OpenBatch, type StoredBatch } from './write/batch.js';
export { storeCoverage, storeDecoded, type Touched } from './write/store-batch.js';
export * from './ingest/index.js';
export * from './tokens/index.js';
export * from './read/index.js';
export { correlateCluster, type CorrelationResult } from './correlation/run.js';
export * from './embedded/index.js';
export * from './migrate/index.js';
