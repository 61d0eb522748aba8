import type { Attempt, KubernetesPolicy, NetworkPolicySpec, Party, Scenario } from '../scenario.js';
import { contrailThreeTier } from './contrail-three-tier.js';

/**
 * How dbserver-dev was closed: open at first, then policy2, then a try with an egress section that policyTypes does
 * not name, so that nothing changes, and at last with Egress named.
 */

const inDev = (name: string): Party => ({ kind: 'pod', namespace: 'dev', name });
const webserver = inDev('webserver-dev');
const dbserver = inDev('dbserver-dev');
const client1 = inDev('client1-dev');
const client2 = inDev('client2-dev');
const clientQa: Party = { kind: 'pod', namespace: 'qa', name: 'client-qa' };

const http = (from: Party, to: Party, expect: 'allowed' | 'dropped'): Attempt => ({
  from,
  to,
  protocol: 'TCP',
  port: 80,
  expect,
  ...(expect === 'dropped' ? { cause: 'POLICY_DEFAULT_DENY' } : {}),
});

const policy = (name: string, more: Partial<NetworkPolicySpec>): KubernetesPolicy => ({
  kind: 'kubernetes',
  namespace: 'dev',
  name,
  spec: {
    podSelector: { matchLabels: { app: 'dbserver-dev' } },
    policyTypes: ['Ingress'],
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: 'webserver-dev' } } }], ports: [{ protocol: 'TCP', port: 80 }] },
    ],
    ...more,
  },
});

export const contrailPolicy2Rollout: Scenario = {
  ...contrailThreeTier,
  name: 'contrail-policy2-rollout',
  cluster: 'three-tier-rollout',
  policies: contrailThreeTier.policies.filter((each) => each.name === 'policy1'),
  steps: [
    [http(client1, dbserver, 'allowed'), http(client2, dbserver, 'allowed'), http(clientQa, dbserver, 'allowed')],
    { apply: [policy('policy2', {})] },
    [http(webserver, dbserver, 'allowed'), http(client1, dbserver, 'dropped'), http(dbserver, client1, 'allowed')],
    { apply: [policy('policy2-tryout', { egress: [] })], remove: [{ namespace: 'dev', name: 'policy2' }] },
    [http(dbserver, client1, 'allowed'), http(client2, dbserver, 'dropped'), http(webserver, dbserver, 'allowed')],
    { apply: [policy('policy2-tryout', { egress: [], policyTypes: ['Ingress', 'Egress'] })] },
    [http(dbserver, client1, 'dropped'), http(clientQa, dbserver, 'dropped'), http(webserver, dbserver, 'allowed')],
  ],
};
