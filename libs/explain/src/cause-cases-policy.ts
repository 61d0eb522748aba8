import type { CauseCase } from './cause-scene.js';

export const POLICY_CASES: readonly CauseCase[] = [];
