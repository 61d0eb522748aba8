export { type JobsOptions, JobsModule, type JobStep } from './jobs.module.js';
export { jobBackendOf } from './environment.js';
export { type JobBackend } from './backend.js';
export { type JobCounts, type JobQueue, type NewJob, openQueue } from './queue.js';
export { type JobHandler, type RunningJob } from './job.js';
export { type JobWorker, startWorker, type WorkerSettings } from './worker.js';
export { type JobsWanted, type ProvidedJobs, provideJobs } from './provide.js';
export { findRedisProgram } from './redis/program.js';
export { type RedisServer, type RedisServerOptions, startRedis } from './redis/server.js';
