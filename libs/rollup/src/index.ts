export * from './deltas.js';
export * from './level.js';
