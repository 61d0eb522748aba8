import type { CauseCase } from './cause-scene.js';

export const SERVICE_CASES: readonly CauseCase[] = [];
