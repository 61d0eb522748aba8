import { CONTROL_CASES } from './cause-cases-control.js';
import { DESTINATION_CASES } from './cause-cases-destination.js';
import { PATH_CASES } from './cause-cases-path.js';
import { POLICY_CASES } from './cause-cases-policy.js';
import { SERVICE_CASES } from './cause-cases-service.js';
import { STATE_CASES } from './cause-cases-state.js';
import type { CauseCase } from './cause-scene.js';

/** Every cause with the cases that produce it and those near it that must not; docs/causes.md tells their stories. */
export const CAUSE_CASES: readonly CauseCase[] = [
  ...POLICY_CASES,
  ...STATE_CASES,
  ...SERVICE_CASES,
  ...PATH_CASES,
  ...DESTINATION_CASES,
  ...CONTROL_CASES,
];
