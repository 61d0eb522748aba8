import { podObject } from '../cluster-objects.js';
import type { CalicoPolicy, KubernetesPolicy, ObjectChange, Scenario } from '../scenario.js';
import { causeStory, fails, inShop, NODES, pod, tcp } from './cause-cluster.js';

/**
 * Nodes that run something else than what is written (docs/causes.md): a change that did not reach them yet or never did, a
 * pod with new labels. Each beside an attempt that the policies deny as they are written.
 */

const client = inShop('client');

const admits = (name: string, ...apps: readonly string[]): KubernetesPolicy => ({
  kind: 'kubernetes',
  namespace: 'shop',
  name: `${name}-clients`,
  spec: {
    podSelector: { matchLabels: { app: name } },
    policyTypes: ['Ingress'],
    ingress: apps.map((app) => ({ from: [{ podSelector: { matchLabels: { app } } }] })),
  },
});

/** Denies one client by name and admits the others. */
const BARRED: CalicoPolicy = {
  kind: 'calico',
  namespace: 'shop',
  name: 'barred-clients',
  spec: {
    selector: "app == 'barred'",
    types: ['Ingress'],
    ingress: [{ action: 'Deny', source: { selector: "app == 'other'" } }, { action: 'Allow' }],
  },
};

const labelled = { ...pod('labelled', 'n1', '10.244.1.12') };

/** The pod gets the label that the policy of `strict` wants. */
const relabelled: ObjectChange = {
  type: 'MODIFIED',
  object: (created) => podObject({ ...labelled, labels: { app: 'friend' } }, causesControl, created),
};

export const causesControl: Scenario = causeStory('causes-control', 'calico-current', {
  nodes: NODES.slice(0, 2),
  pods: [
    pod('client', 'n1', '10.244.1.10'),
    pod('other', 'n1', '10.244.1.11'),
    labelled,
    pod('late', 'n2', '10.244.2.10', [{ port: 80 }]),
    pod('stale', 'n2', '10.244.2.11', [{ port: 80 }]),
    pod('barred', 'n2', '10.244.2.12', [{ port: 80 }]),
    pod('strict', 'n2', '10.244.2.13', [{ port: 80 }]),
  ],
  policies: [admits('late', 'nobody'), admits('stale', 'client'), admits('strict', 'friend'), BARRED],
  programmed: [admits('late', 'nobody'), admits('stale', 'nobody'), admits('strict', 'friend'), BARRED],
  steps: [
    [
      tcp(client, inShop('late'), 80, 44_001, fails('POLICY_DEFAULT_DENY')),
      tcp(client, inShop('stale'), 80, 44_002, fails('STALE_DATAPLANE')),
      tcp(inShop('other'), inShop('stale'), 80, 44_003, fails('POLICY_DEFAULT_DENY')),
      tcp(inShop('other'), inShop('barred'), 80, 44_006, fails('POLICY_EXPLICIT_DENY')),
      tcp(client, inShop('barred'), 80, 44_007),
      {
        ...{ from: client, to: inShop('barred'), protocol: 'UDP', port: 4789, sourcePort: 44_008, timeout: 1 },
        ...{ expect: 'dropped', cause: 'ANTI_SPOOF_ENCAP_UNKNOWN_IF' },
      },
      tcp(inShop('labelled'), inShop('strict'), 80, 44_005, fails('POLICY_DEFAULT_DENY')),
    ],
    { apply: [admits('late', 'client')], unprogrammed: true, objects: [relabelled] },
    [
      tcp(client, inShop('late'), 80, 44_011, fails('PROGRAMMING_RACE')),
      tcp(inShop('other'), inShop('late'), 80, 44_012, fails('POLICY_DEFAULT_DENY')),
      tcp(inShop('labelled'), inShop('strict'), 80, 44_013, fails('IDENTITY_LAG')),
    ],
    { apply: [admits('late', 'client')] },
    [tcp(client, inShop('late'), 80, 44_021)],
  ],
});

/** Weave's own way to drop: one rule for all pods, so that it names no policy. `free` had one once. */
export const causesLeftOver: Scenario = causeStory('causes-left-over', 'weave-npc', {
  nodes: NODES.slice(0, 2),
  pods: [
    pod('client', 'n1', '10.244.1.10'),
    pod('other', 'n1', '10.244.1.11'),
    pod('free', 'n2', '10.244.2.10', [{ port: 80 }]),
    pod('web', 'n2', '10.244.2.11', [{ port: 80 }]),
  ],
  policies: [admits('web', 'client')],
  programmed: [admits('web', 'client'), admits('free', 'nobody')],
  steps: [
    [
      tcp(client, inShop('web'), 80, 45_001),
      tcp(client, inShop('free'), 80, 45_002, fails('POSTURE_WITHOUT_POLICY')),
      tcp(inShop('other'), inShop('web'), 80, 45_003, fails('POLICY_DEFAULT_DENY')),
    ],
  ],
});
