import type { CauseCase } from './cause-scene.js';

export const CONTROL_CASES: readonly CauseCase[] = [];
