import type { Scenario } from '../scenario.js';
import { aksCalicoOrder } from './aks-calico-order.js';
import { aksNpmFrontendBackend } from './aks-npm-frontend-backend.js';
import { calicoWebDenyAll } from './calico-web-deny-all.js';
import { causesControl, causesLeftOver } from './causes-control.js';
import { causesPath } from './causes-path.js';
import { causesService } from './causes-service.js';
import { causesState } from './causes-state.js';
import { contrailPolicy2Rollout } from './contrail-policy2-rollout.js';
import { contrailThreeTier } from './contrail-three-tier.js';
import { kubeRouterSync } from './kube-router-sync.js';
import { NOT_A_POLICY_DIALECTS, notAPolicy } from './not-a-policy.js';
import { weaveSockShop } from './weave-sock-shop.js';

export const STORIES: readonly Scenario[] = [
  contrailThreeTier,
  contrailPolicy2Rollout,
  calicoWebDenyAll,
  weaveSockShop,
  aksNpmFrontendBackend,
  aksCalicoOrder,
  kubeRouterSync,
  ...NOT_A_POLICY_DIALECTS.map(notAPolicy),
  causesState,
  causesService,
  causesPath,
  causesControl,
  causesLeftOver,
];
