export { openDatabase, type Database, type Sql } from './database.js';
export {
  attemptsOf,
  countAttempt,
  forgetAttempt,
  isStored,
  loadBatch,
  openBatches,
  type OpenBatch,
  type StoredBatch,
} from './write/batch.js';
export { BASE_WAIT_SECONDS, type BaseBatch, loadTold, type ToldBatch, waitingFor } from './write/base.js';
export { storeCoverage, storeGaps, type ToldGap } from './write/gap-rows.js';
export { type BatchLock, lockBatch } from './write/batch-lock.js';
export { type BatchPart, finishParts, forgetPartAttempt, splitPart, storePart, takePart } from './write/batch-part.js';
export { storeDecoded } from './write/store-batch.js';
export type { Touched } from './write/touched.js';
export * from './ingest/index.js';
export * from './tokens/index.js';
export * from './audit/index.js';
export * from './read/index.js';
export * from './rollup/index.js';
export * from './retention/index.js';
export { reconcileDue, type ReconciliationResult } from './correlation/reconciliation.js';
export { correlateCluster, type CorrelationResult } from './correlation/run.js';
export { type FindingSeverity, loadOpenFindings, type OpenFinding } from './correlation/findings.js';
export * from './embedded/index.js';
export * from './migrate/index.js';
export * from './deliveries/index.js';
export * from './alerts/index.js';
export * from './metrics/index.js';
export * from './live/index.js';
