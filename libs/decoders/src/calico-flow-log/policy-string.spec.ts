import { policyOfString } from './policy-string.js';

it.each([
  ['0|tier|namespace/tier.name|allow|1', 'CalicoNetworkPolicy', 'namespace', 'name', 'tier', 'allow', 1, 'rule'],
  ['0|default|namespace/knp.default.name|allow|2', 'NetworkPolicy', 'namespace', 'name', 'default', 'allow', 2, 'rule'],
  [
    '1|tier|namespace/tier.staged:name.with.dots|deny|0',
    'StagedNetworkPolicy',
    'namespace',
    'name.with.dots',
    'tier',
    'deny',
    0,
    'staged',
  ],
  ['1|tier|tier.staged:name|deny|0', 'StagedGlobalNetworkPolicy', null, 'name', 'tier', 'deny', 0, 'staged'],
  [
    '1|default|namespace/staged:knp.default.name|deny|3',
    'StagedKubernetesNetworkPolicy',
    'namespace',
    'name',
    'default',
    'deny',
    3,
    'staged',
  ],
  [
    '2|adminnetworkpolicy|kanp.adminnetworkpolicy.name.with.dots|pass|1',
    'AdminNetworkPolicy',
    null,
    'name.with.dots',
    'adminnetworkpolicy',
    'pass',
    1,
    'rule',
  ],
  [
    '2|baselineadminnetworkpolicy|kbanp.baselineadminnetworkpolicy.default|deny|0',
    'BaselineAdminNetworkPolicy',
    null,
    'default',
    'baselineadminnetworkpolicy',
    'deny',
    0,
    'rule',
  ],
  [
    '2|adminnetworkpolicy|adminnetworkpolicy.policy1|allow|-1',
    'GlobalNetworkPolicy',
    null,
    'policy1',
    'adminnetworkpolicy',
    'allow',
    undefined,
    'default',
  ],
  ['1|__PROFILE__|__PROFILE__.kns.default|allow|0', 'Profile', null, 'kns.default', undefined, 'allow', 0, 'rule'],
  ['1|__PROFILE__|pro:kns.default|allow|0', 'Profile', null, 'kns.default', undefined, 'allow', 0, 'rule'],
  ['0|tier1|ns1/tier1.policy1|deny|-1', 'CalicoNetworkPolicy', 'ns1', 'policy1', 'tier1', 'deny', undefined, 'default'],
  ['0|tier1|ns1/tier1.policy1|deny|-2', 'CalicoNetworkPolicy', 'ns1', 'policy1', 'tier1', 'deny', undefined, 'rule'],
  ['0|default|knp:namespace/name|allow|2', 'NetworkPolicy', 'namespace', 'name', 'default', 'allow', 2, 'rule'],
  [
    '0|default|sknp:namespace/name|allow|2',
    'StagedKubernetesNetworkPolicy',
    'namespace',
    'name',
    'default',
    'allow',
    2,
    'staged',
  ],
  ['0|default|gnp:name|deny|2', 'GlobalNetworkPolicy', null, 'name', 'default', 'deny', 2, 'rule'],
  ['3|kube-admin|kcnp:name|pass|4', 'ClusterNetworkPolicy', null, 'name', 'kube-admin', 'pass', 4, 'rule'],
])('reads %s', (text, kind, namespace, name, tier, action, rule, part) => {
  expect(policyOfString(text)).toEqual({
    kind,
    namespace,
    name,
    uid: undefined,
    tier,
    action,
    rule,
    ruleName: undefined,
    part,
  });
});

it('reads a hit that names no policy as none', () => {
  expect(policyOfString('0|default|eot:__NO_MATCH__|deny|-1')).toBeNull();
});

it.each([
  '0|tier|tier.name|allow|0|extra',
  '1|tier|tier2.name|allow|0',
  '0||ns/tier.name|allow|1',
  '1|tier|namespace/knp.default|deny|3',
  '0|tier1|default/|pass|0',
  'notint|tier|tier.name|allow|0',
  '0|tier|tier.name|drop|0',
  '0|tier|tier.name|allow|x',
  '0|tier|/tier.name|allow|0',
  '',
])('refuses %s', (text) => {
  expect(policyOfString(text)).toBeUndefined();
});
