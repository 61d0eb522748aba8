export * from './deltas.js';
export * from './level.js';
export * from './seen.js';
export * from './plan.js';
export * from './slices.js';
