import type { Scenario } from '../scenario.js';
import { calicoWebDenyAll } from './calico-web-deny-all.js';
import { contrailThreeTier } from './contrail-three-tier.js';

export const STORIES: readonly Scenario[] = [contrailThreeTier, calicoWebDenyAll];
