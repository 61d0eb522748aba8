import type { CauseCase } from './cause-scene.js';

export const PATH_CASES: readonly CauseCase[] = [];
