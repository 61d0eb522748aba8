import type { KubernetesObject, PolicyRef, RulesetSnapshot } from '@whydrop/model';
import { createOwnerIndex } from '../owner.js';
import { snapshotOf } from '../ruleset-fixture.js';

function policy(kind: string, namespace: string | undefined, name: string, spec: object = {}): KubernetesObject {
  const isCalico = kind !== 'NetworkPolicy';
  return {
    apiVersion: isCalico ? 'projectcalico.org/v3' : 'networking.k8s.io/v1',
    kind: kind.replace('Calico', ''),
    metadata: { name, ...(namespace ? { namespace } : {}), uid: `uid-${name}`, resourceVersion: '7' },
    spec,
  };
}

function short(ref: PolicyRef | undefined): string | undefined {
  return ref && `${ref.kind} ${ref.namespace ?? '-'}/${ref.name}`;
}

/** Owner of the rule at `position` of a chain, in a few words. */
function owners(
  index: ReturnType<typeof createOwnerIndex>,
  snapshot: RulesetSnapshot,
  chain: string,
): readonly string[] {
  const rules = snapshot.tables[0]?.chains.find(({ name }) => name === chain)?.rules ?? [];
  return rules.map((rule) => {
    const owner = index.ownerOf(snapshot, 'filter', chain, rule);
    const where = owner?.workload ? ` of ${owner.workload.namespace}/${owner.workload.pod}` : '';
    const what = owner?.policies.map(short).join(', ') ?? '';
    const number = owner?.policyRule === undefined ? '' : ` rule ${owner.policyRule}`;
    return `${owner?.role} ${owner?.direction ?? '-'}${where}${owner?.tier ? ` tier ${owner.tier}` : ''} [${what}]${number}`;
  });
}

describe('the oldest chains (v2): policy in plain text, one DROP', () => {
  const snapshot = snapshotOf(`*filter
:cali-tw-cali7f94ce7c295 - [0:0]
:cali-pi-default.web-deny-all - [0:0]
[3:180] -A cali-tw-cali7f94ce7c295 -m comment --comment "cali:fthBuDq5I1oklYOL" -m comment --comment "Start of policies" -j MARK --set-xmark 0x0/0x2000000
[3:180] -A cali-tw-cali7f94ce7c295 -m comment --comment "cali:Kp-Liqb4hWavW9dD" -m mark --mark 0x0/0x2000000 -j cali-pi-default.web-deny-all
[3:180] -A cali-tw-cali7f94ce7c295 -m comment --comment "cali:Qe6UBTrru3RfK2MB" -m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x2000000 -j DROP
COMMIT`);

  it('names the pod by its interface and the policy by its chain', () => {
    const index = createOwnerIndex({ pods: [{ namespace: 'default', name: 'podA' }], policies: [] });
    expect(owners(index, snapshot, 'cali-tw-cali7f94ce7c295').at(-1)).toBe(
      'end-of-policies ingress of default/podA tier default [NetworkPolicy default/web-deny-all]',
    );
  });

  it('prefers a policy that exists over a reading of the name', () => {
    const policies = [policy('GlobalNetworkPolicy', undefined, 'web-deny-all')];
    const index = createOwnerIndex({ pods: [], policies });
    const owner = index.ownerOf(snapshot, 'filter', 'cali-pi-default.web-deny-all');
    expect(owner?.policy).toMatchObject({ kind: 'GlobalNetworkPolicy', uid: 'uid-web-deny-all', resourceVersion: '7' });
  });
});

describe('an endpoint chain of v3.22 (hashed policy, profiles)', () => {
  const lines = [
    '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-m conntrack --ctstate INVALID -j DROP',
    '-j MARK --set-xmark 0x0/0x10000',
    '-m comment --comment "Start of policies" -j MARK --set-xmark 0x0/0x20000',
    '-m mark --mark 0x0/0x20000 -j cali-pi-_f33B8osgBB9KBtqM0k-',
    '-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP',
    '-j cali-pri-kns.demo',
    '-m comment --comment "Return if profile accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-m comment --comment "Drop if no profiles matched" -j DROP',
  ];
  const chain = 'cali-tw-azve0cf0fbcf9f';
  const snapshot = snapshotOf(
    `*filter\n:${chain} -\n:cali-pi-_f33B8osgBB9KBtqM0k- -\n:cali-pri-kns.demo -\n` +
      lines.map((line) => `-A ${chain} -m comment --comment "cali:EGMMZ2I-ck_lMPHD" ${line}`).join('\n') +
      '\nCOMMIT',
  );
  const context = {
    pods: [{ namespace: 'demo', name: 'server' }],
    policies: [policy('NetworkPolicy', 'demo', 'demo-policy')],
  };

  it('every rule has its role', () => {
    const at = 'ingress of demo/server';
    expect(owners(createOwnerIndex(context), snapshot, chain)).toEqual([
      `established-accept ${at} []`,
      `conntrack-invalid ${at} []`,
      `workload-policies ${at} []`,
      `workload-policies ${at} []`,
      `workload-policies ${at} [NetworkPolicy demo/demo-policy]`,
      `workload-policies ${at} []`,
      `end-of-policies ${at} tier default [NetworkPolicy demo/demo-policy]`,
      `workload-policies ${at} []`,
      `workload-policies ${at} []`,
      `end-of-profiles ${at} []`,
    ]);
  });

  it('a hash of something unknown stays unknown', () => {
    const index = createOwnerIndex({ pods: [], policies: [] });
    const owner = index.ownerOf(snapshot, 'filter', 'cali-pi-_f33B8osgBB9KBtqM0k-');
    expect(owner).toMatchObject({
      plugin: 'calico',
      role: 'policy',
      direction: 'ingress',
      policies: [],
      policy: undefined,
    });
    expect(index.interfaceOwner('azve0cf0fbcf9f')).toBeUndefined();
  });
});

describe('tiers and groups (v3.30 and later)', () => {
  const snapshot = snapshotOf(`*filter
:cali-fw-cali7f94ce7c295 -
:cali-go-uuZ0Ni67mXfiyBv8GAvT -
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA1" -m comment --comment "Start of tier security" -j MARK --set-xmark 0x0/0x20000
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA2" -m mark --mark 0x0/0x20000 -j cali-po-_zVgQP7_-dNFlC7fnpvU
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA3" -m comment --comment "End of tier security. Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA4" -m comment --comment "Start of tier default" -j MARK --set-xmark 0x0/0x20000
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA5" -m mark --mark 0x0/0x20000 -j cali-go-uuZ0Ni67mXfiyBv8GAvT
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA6" -m mark --mark 0x0/0x20000 -j NFLOG --nflog-prefix "DPE|default" --nflog-group 2 --nflog-size 80
-A cali-fw-cali7f94ce7c295 -m comment --comment "cali:AAAAAAAAAAAAAAA7" -m comment --comment "End of tier default. Reject if no policies passed packet" -m mark --mark 0x0/0x20000 -j REJECT
-A cali-go-uuZ0Ni67mXfiyBv8GAvT -m comment --comment "cali:AAAAAAAAAAAAAAA8" -j cali-po-_3hFJKKTFw44XXzqr_Jc
-A cali-go-uuZ0Ni67mXfiyBv8GAvT -m comment --comment "cali:AAAAAAAAAAAAAAA9" -m mark --mark 0x0/0x30000 -j cali-po-np/prod/db
COMMIT`);
  const policies = [
    policy('GlobalNetworkPolicy', undefined, 'security.block-tor', { tier: 'security' }),
    policy('NetworkPolicy', 'default', 'web-deny-all'),
  ];
  const found = owners(createOwnerIndex({ pods: [], policies }), snapshot, 'cali-fw-cali7f94ce7c295');

  it('the end of a tier lists the policies of that tier only, groups unfolded', () => {
    expect(found[2]).toBe('end-of-policies egress tier security [GlobalNetworkPolicy -/security.block-tor]');
    expect(found[6]).toBe(
      'end-of-policies egress tier default [NetworkPolicy default/web-deny-all, CalicoNetworkPolicy prod/db]',
    );
    expect(found[5]).toBe('log egress []');
  });
});

describe('rule index inside a policy chain', () => {
  const chain = 'cali-pi-np/prod/lock';
  const deny = policy('CalicoNetworkPolicy', 'prod', 'lock', {
    ingress: [{ action: 'Allow' }, { action: 'Log', ipVersion: 6 }, { action: 'Deny' }, { action: 'Log' }],
  });

  function indexes(rules: string, known: KubernetesObject, name = chain): readonly string[] {
    const text = rules.split('\n').map((line) => `-A ${name} ${line.trim()}`);
    const snapshot = snapshotOf(`*filter\n:${name} -\n${text.join('\n')}\nCOMMIT`);
    return owners(createOwnerIndex({ pods: [], policies: [known] }), snapshot, name).map((text) =>
      text.replace(/ \[.*\]/, ''),
    );
  }

  it('one DROP per deny, helper lines with scratch bits, a rule of the other family left out', () => {
    const rules = `-p tcp -m multiport --dports 1,2 -j MARK --set-xmark 0x40000/0x40000
      -p tcp -m multiport --dports 3,4 -j MARK --set-xmark 0x40000/0x40000
      -m mark --mark 0x40000/0x40000 -j MARK --set-xmark 0x10000/0x10000
      -m mark --mark 0x10000/0x10000 -j RETURN
      -s 10.0.0.1/32 -j DROP
      -j LOG --log-prefix "calico-packet: "`;
    expect(indexes(rules, deny)).toEqual([
      'policy ingress tier default rule 0',
      'policy ingress tier default rule 0',
      'policy ingress tier default rule 0',
      'policy ingress tier default rule 0',
      'policy-deny ingress tier default rule 2',
      'log ingress tier default rule 3',
    ]);
  });

  it('MARK, NFLOG and DROP of one deny: the prefix names the rule', () => {
    const rules = `-s 10.0.0.1/32 -j MARK --set-xmark 0x40000/0x40000
      -m mark --mark 0x40000/0x40000 -j NFLOG --nflog-prefix "DPI2|np/prod/lock" --nflog-group 1
      -m mark --mark 0x40000/0x40000 -j DROP`;
    expect(indexes(rules, deny)).toEqual([
      'policy ingress tier default rule 2',
      'log ingress tier default rule 2',
      'policy-deny ingress tier default rule 2',
    ]);
  });

  it('a chain that does not fit the policy gives no index', () => {
    expect(indexes('-s 10.0.0.1/32 -j DROP', deny)).toEqual(['policy-deny ingress tier default']);
  });

  it('a Kubernetes rule becomes one line pair per protocol and peer', () => {
    const allow = policy('NetworkPolicy', 'demo', 'a', {
      ingress: [
        {
          from: [{ podSelector: {} }, { namespaceSelector: {} }],
          ports: [{ port: 80 }, { port: 53, protocol: 'UDP' }],
        },
        { from: [{ ipBlock: { cidr: 'fd00::/8' } }, { ipBlock: { cidr: '10.0.0.0/8' } }] },
      ],
    });
    const mark = '-j MARK --set-xmark 0x10000/0x10000';
    const back = '-m mark --mark 0x10000/0x10000 -j RETURN';
    const pair = (match: string) => `${match} ${mark}\n${back}`;
    const rules = [pair('-p tcp'), pair('-p tcp'), pair('-p udp'), pair('-p udp'), `-s 10.0.0.0/8 ${mark}`].join('\n');
    const found = indexes(rules, allow, 'cali-pi-knp/demo/a').map((text) => text.at(-1));
    expect(found.join('')).toBe('000000001');
  });
});

describe('policyOfPrefix', () => {
  const policies = [
    policy('NetworkPolicy', 'calico-system', 'allow-apiserver', {
      ingress: [{ ports: [{ port: 1 }, { port: 2, protocol: 'UDP' }] }, {}],
    }),
    policy('CalicoNetworkPolicy', 'quite-a-long-namespace', 'quite-a-long-tier-name.quite-a-long-policy-name', {
      tier: 'quite-a-long-tier-name',
      egress: [{ action: 'Allow' }, { action: 'Deny' }],
    }),
  ];
  const index = createOwnerIndex({ pods: [], policies });

  it.each([
    [
      'API2|calico-system/knp.default.allow-apiserver',
      'policy allow ingress NetworkPolicy calico-system/allow-apiserver 1',
    ],
    [
      'DPE1|quite_nnW4FYptgISH4G3jdI6KJWVcEx19s0BDp2On0wVAY_olicy-name',
      'policy deny egress CalicoNetworkPolicy quite-a-long-namespace/quite-a-long-tier-name.quite-a-long-policy-name 1',
    ],
    ['DPI2|np/prod/lock-db', 'policy deny ingress CalicoNetworkPolicy prod/lock-db 2'],
    ['DPI0|gnp/block', 'policy deny ingress GlobalNetworkPolicy -/block 0'],
    ['DPI0|knp/prod/x', 'policy deny ingress NetworkPolicy prod/x undefined'],
  ])('%s', (prefix, wanted) => {
    const meaning = index.policyOfPrefix(prefix);
    if (meaning?.kind !== 'policy') throw new Error(`no policy: ${meaning?.kind}`);
    expect(`policy ${meaning.verdict} ${meaning.direction} ${short(meaning.policy)} ${meaning.policyRule}`).toBe(
      wanted,
    );
  });

  it.each([
    ['DPI|default', { kind: 'end-of-tier', verdict: 'deny', direction: 'ingress', tier: 'default' }],
    ['PPE|sec', { kind: 'end-of-tier', verdict: 'pass', direction: 'egress', tier: 'sec' }],
    ['DRE', { kind: 'no-profile', verdict: 'deny', direction: 'egress' }],
    [
      'ARI0|kns.mealie',
      { kind: 'profile', verdict: 'allow', direction: 'ingress', profile: 'kns.mealie', calicoRule: 0 },
    ],
  ])('%s', (prefix, wanted) => {
    expect(index.policyOfPrefix(prefix)).toEqual(wanted);
  });

  it.each([
    '',
    'calico-packet: ',
    'INGRESS-DROP: ',
    'DPI',
    'DPE1|lost_nnW4FYptgISH4G3jdI6KJWVcEx19s0BDp2On0wVAYxx_unknown-xx',
  ])('not a prefix it can read: %s', (prefix) => expect(index.policyOfPrefix(prefix)).toBeUndefined());
});
