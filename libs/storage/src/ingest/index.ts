export { batchProgress, type BatchProgress, type BatchSelection } from './batch-progress.read-model.js';
export { emitterId, storeRawBatch, type ReceivedBatch } from './raw-batch.store.js';
export { isDataError, isOfTheInput, isUnavailable } from './unavailable.js';
