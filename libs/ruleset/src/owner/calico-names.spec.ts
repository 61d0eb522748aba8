import { policyByName } from './known-policy.js';
import {
  calicoChainSuffixes,
  calicoIds,
  groupChainName,
  interfaceDigits,
  ipsetName,
  limitedId,
  nflogPrefix,
  policiesOfSuffix,
  policyOfComment,
  policyOfV1Name,
} from './calico-names.js';

describe('limitedId', () => {
  it.each([
    ['felix', '_2345', 10, 'felix_kMQI'],
    ['felix', '12345678910', 13, 'felix_Y2QCZIS'],
    ['cali-pi-', 'long-policy-name-that-gets-hashed', 28, 'cali-pi-_ffOMcf6pikpiZ6hgKcW'],
    ['cali-pi-', '/long-policy-name-that-gets-hashed', 28, 'cali-pi-_FJ9yUkNpzshVDh2n7mg'],
    ['cali-pri-', 'long-policy-name-that-gets-hashed', 28, 'cali-pri-_ffOMcf6pikpiZ6hgKc'],
    ['cali-pi-', 'demo/knp.default.demo-policy', 28, 'cali-pi-_f33B8osgBB9KBtqM0k-'],
    ['cali-pi-', 'default/calico-system/knp.default.whisker', 28, 'cali-pi-_YYnSgB46MA1TYU44kJq'],
    ['cali-pro-', 'ksa.default.database', 28, 'cali-pro-_Y89UBaIa4_PftWThMl'],
    ['cali-pro-', 'ksa.default.summary', 28, 'cali-pro-ksa.default.summary'],
    ['cali-pi-', 'default/default.foo', 28, 'cali-pi-default/default.foo'],
    ['cali-thfw-', 'any-interface-at-all', 28, 'cali-thfw-_Nqh4HyA73udmyanQI'],
    ['cali-pi-', 'demo/knp.default.demo-policy', 256, 'cali-pi-demo/knp.default.demo-policy'],
  ])('%s + %s within %d is %s', (prefix, suffix, max, wanted) => {
    expect(limitedId(prefix, suffix, max)).toBe(wanted);
  });
});

describe('names made of hashes', () => {
  it.each([
    ['default', 'podA', '7f94ce7c295'],
    ['testNamespace', 'simplePod', 'edff4356bd6'],
    ['namespace', 'podname', '82111e10a96'],
    ['demo', 'server', 'e0cf0fbcf9f'],
  ])('interface of %s/%s ends in %s', (namespace, pod, wanted) => {
    expect(interfaceDigits(namespace, pod)).toBe(wanted);
  });

  it('IP set and group chain', () => {
    expect(ipsetName('s', 'all()')).toBe('cali40s:5y5I3VdRZfDU01O--xXAPx2');
    const lines = [
      'default',
      'projectcalico.org/namespace == "prod"',
      'inbound',
      '2',
      'prod/default.a',
      'prod/default.b',
    ];
    expect(groupChainName('inbound', lines)).toBe('cali-gi-uuZ0Ni67mXfiyBv8GAvT');
  });

  it.each([
    ['DPI|default', 'DPI|default'],
    [
      'DPE1|quite-a-long-namespace/quite-a-long-tier-name.quite-a-long-policy-name',
      'DPE1|quite_nnW4FYptgISH4G3jdI6KJWVcEx19s0BDp2On0wVAY_olicy-name',
    ],
    [
      'DPI|tier-012345678901234567890123456789012345678901234567890123',
      'DPI|tier-0_phEfG4Vhbq2xh4TQsePNa2X9YRj5peCVw1FgaNSbd_4567890123',
    ],
    [
      'DPI88|gnp/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0',
      'DPI88|gnp/_12IXaBPahNM7a7dZhI8zg6PStmHsgneYaax8LVSIq_RSTUVWXYZ0',
    ],
  ])('log prefix %s is shown as %s', (whole, wanted) => {
    expect(nflogPrefix(whole)).toBe(wanted);
  });
});

describe('chain names of one policy in every era', () => {
  const kubernetes = policyByName('NetworkPolicy', 'default', 'web-deny-all');
  const calico = policyByName('CalicoNetworkPolicy', 'default', 'web-deny-all', 'default');
  const tiered = policyByName('CalicoNetworkPolicy', 'prod', 'security.lock-db', 'security');
  const global = policyByName('GlobalNetworkPolicy', null, 'allow-tcp-6379', 'default');
  const globalTiered = policyByName('GlobalNetworkPolicy', null, 'security.block-tor', 'security');
  const admin = policyByName('AdminNetworkPolicy', null, 'deny-db', 'adminnetworkpolicy');

  it.each([
    [kubernetes, '_IDb4Gbl3P1MtRtVzfEP', '_3hFJKKTFw44XXzqr_Jc', '_gFMMQkM8R5TQh-Mz37B'],
    [calico, '_zuL-83sJFRTWWP8lMXe', '_tVsHyCSpEtRdYxY-31l', '_c8LyxoQRyQq5JRJZHff'],
    [tiered, undefined, '_3icbW7XNhFWAqG15-uW', '_AbC0BWr4bdzyn15UzaE'],
    [global, '_MGKulnw07S-1Dt6Rjzd', '_agNTt2E3DoAXzF7dGuJ', 'gnp/allow-tcp-6379'],
    [globalTiered, undefined, '_zVgQP7_-dNFlC7fnpvU', '_gE_zwyxSrWUAUr2XeqP'],
    [admin, undefined, '_lELU_46tDiqT4CZnzAC', undefined],
  ])('%o', (ref, ...wanted) => {
    const suffixes = calicoChainSuffixes(ref).map((suffix) => limitedId('cali-pi-', suffix).slice(8));
    expect(suffixes).toEqual(expect.arrayContaining(wanted.filter((name) => name !== undefined)));
  });

  it('every identity string is read back as the policy it was made from', () => {
    for (const ref of [kubernetes, calico, tiered, global, globalTiered, admin]) {
      const v1 = calicoIds(ref)[0] ?? '';
      expect(policyOfV1Name(v1)).toMatchObject({ kind: ref.kind, namespace: ref.namespace, name: ref.name });
    }
  });
});

describe('reading a name that was not hashed', () => {
  it.each([
    ['default.web-deny-all', 'NetworkPolicy', 'default', 'web-deny-all'],
    ['demo/knp.default.a', 'NetworkPolicy', 'demo', 'a'],
    ['default/demo/knp.default.a', 'NetworkPolicy', 'demo', 'a'],
    ['knp/demo/a', 'NetworkPolicy', 'demo', 'a'],
    ['security/prod/security.db', 'CalicoNetworkPolicy', 'prod', 'security.db'],
    ['np/prod/db', 'CalicoNetworkPolicy', 'prod', 'db'],
    ['gnp/policy-1', 'GlobalNetworkPolicy', null, 'policy-1'],
    ['adminnetworkpolicy/kanp.adminnetworkpolicy.deny-db', 'AdminNetworkPolicy', null, 'deny-db'],
    ['knp.default.demo.a', 'NetworkPolicy', 'demo', 'a'],
  ])('%s', (suffix, kind, namespace, name) => {
    expect(policiesOfSuffix(suffix)[0]).toMatchObject({ kind, namespace, name });
  });

  it('keeps both readings where the text alone does not decide', () => {
    expect(policiesOfSuffix('default/default.foo').map((ref) => `${ref.kind} ${ref.namespace}`)).toEqual([
      'CalicoNetworkPolicy default',
      'GlobalNetworkPolicy null',
    ]);
  });

  it.each([
    ['Policy demo/knp.default.demo-policy ingress', 'NetworkPolicy', 'demo', 'demo-policy'],
    ['Policy default.foo egress', 'GlobalNetworkPolicy', null, 'foo'],
    ['KubernetesNetworkPolicy demo/a ingress', 'NetworkPolicy', 'demo', 'a'],
    ['NetworkPolicy prod/security.db egress', 'CalicoNetworkPolicy', 'prod', 'security.db'],
    ['Profile kns.demo ingress', 'Profile', null, 'kns.demo'],
  ])('comment %s', (comment, kind, namespace, name) => {
    expect(policyOfComment(comment)).toMatchObject({ kind, namespace, name });
  });
});
