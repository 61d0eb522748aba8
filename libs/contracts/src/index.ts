export * from './bundle.js';
export * from './coverage.js';
export * from './envelope.js';
export * from './gap.js';
export * from './queues.js';
