export { batchProgress, type BatchProgress, type BatchSelection } from './batch-progress.read-model.js';
export { emitterId, storeRawBatch, type ReceivedBatch } from './raw-batch.store.js';
export { isDataError, isUnavailable } from './unavailable.js';
