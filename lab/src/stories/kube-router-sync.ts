import type { Attempt, KubernetesPolicy, Party, Scenario } from '../scenario.js';
import { notAPolicy } from './not-a-policy.js';

/**
 * Two syncs of kube-router: each writes the whole filter table anew, with other chain names and every counter at zero,
 * for a policy that has nothing to do with the connections that are denied before, between and after.
 */

const base = notAPolicy('kube-router');
const in_ = (name: string): Party => ({ kind: 'pod', namespace: 'shop', name });

const tcp = (from: string, to: string, expect: 'allowed' | 'rejected'): Attempt => ({
  from: in_(from),
  to: in_(to),
  protocol: 'TCP',
  port: 80,
  expect,
  timeout: 2.5,
  ...(expect === 'rejected' ? { cause: 'POLICY_DEFAULT_DENY' } : {}),
});

const elsewhere: KubernetesPolicy = {
  kind: 'kubernetes',
  namespace: 'shop',
  name: 'other-closed',
  spec: { podSelector: { matchLabels: { app: 'other' } }, policyTypes: ['Ingress'] },
};

export const kubeRouterSync: Scenario = {
  ...base,
  name: 'kube-router-sync',
  cluster: 'kube-router-sync',
  steps: [
    [tcp('client', 'web', 'allowed'), tcp('other', 'web', 'rejected')],
    { apply: [elsewhere] },
    [tcp('client', 'web', 'allowed'), tcp('open', 'web', 'rejected')],
    { remove: [{ namespace: 'shop', name: 'other-closed' }] },
    [tcp('other', 'web', 'rejected'), tcp('other', 'open', 'allowed')],
  ],
};
