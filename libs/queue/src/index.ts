export { type JobBackend } from './backend.js';
export { type JobQueue, type NewJob, openQueue } from './queue.js';
export { type JobWorker, type RunningJob, startWorker, type WorkerSettings } from './worker.js';
