import type { CauseCase } from './cause-scene.js';

export const DESTINATION_CASES: readonly CauseCase[] = [];
