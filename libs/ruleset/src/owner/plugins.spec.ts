import { readFileSync } from 'node:fs';
import type { KubernetesObject, RulesetSnapshot } from '@whydrop/model';
import { createOwnerIndex, type OwnerContext } from '../owner.js';
import { snapshotOf } from '../ruleset-fixture.js';
import { azureChainSuffixes, azureSetNames } from './azure.js';
import { kubeRouterSuffix } from './kube-router.js';
import type { RuleOwner } from './rule-owner.js';
import { weaveSetName } from './weave.js';

function capture(name: string): RulesetSnapshot {
  return snapshotOf(readFileSync(new URL(`../../testdata/${name}.txt`, import.meta.url), 'utf8'));
}

function policy(namespace: string, name: string, spec: object): KubernetesObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name, uid: `uid-${name}` },
    spec,
  };
}

function words(owner: RuleOwner | undefined): string {
  if (!owner) return 'nobody';
  const pod = owner.workload ? ` ${owner.workload.namespace}/${owner.workload.pod}` : '';
  const policies = owner.policies
    .map((ref) => `${ref.namespace}/${ref.name}${ref.uid === undefined ? '?' : ''}`)
    .join(', ');
  const index = owner.policyRule === undefined ? '' : `#${owner.policyRule}`;
  const service = owner.service ? ` ${owner.service.namespace}/${owner.service.name}:${owner.service.port}` : '';
  return `${owner.plugin} ${owner.role} ${owner.direction ?? '-'}${pod} [${policies}]${index}${service}`;
}

/** Owner of every rule of a snapshot, by `CHAIN:position`. */
function everyOwner(snapshot: RulesetSnapshot, context: Partial<OwnerContext> = {}): ReadonlyMap<string, string> {
  const index = createOwnerIndex({ pods: [], policies: [], ...context });
  return new Map(
    snapshot.tables.flatMap(({ name: table, chains }) =>
      chains.flatMap((chain) =>
        chain.rules.map(
          (rule) =>
            [`${chain.name}:${rule.position}`, words(index.ownerOf(snapshot, table, chain.name, rule))] as const,
        ),
      ),
    ),
  );
}

describe.each([
  ['kube-router', 'kube-router-iptables-save-c-new-comments'],
  ['kube-router', 'kube-router-iptables-save-c-old-comments'],
  ['weave-npc', 'weave-iptables-save-c-after-egress-drop'],
  ['azure-npm', 'azure-npm-iptables-save-c-after'],
])('every rule of %s in %s', (plugin, name) => {
  const snapshot = capture(name);

  it('has it as owner', () => {
    const others = [...everyOwner(snapshot)].filter(([, owner]) => !owner.startsWith(`${plugin} `));
    expect(others).toEqual([]);
  });

  it('that ends packets says why', () => {
    const rules = snapshot.tables.flatMap(({ chains }) =>
      chains.flatMap(({ name: chain, rules: all }) => all.map((rule) => ({ chain, rule }))),
    );
    const owners = everyOwner(snapshot);
    const roles = rules
      .filter(({ rule }) => rule.target === 'DROP' || rule.target === 'REJECT')
      .map(({ chain, rule }) => owners.get(`${chain}:${rule.position}`)?.split(' ')[1]);
    expect(roles.length).toBeGreaterThan(0);
    const known = ['end-of-policies', 'shared-drop', 'conntrack-invalid'];
    expect(roles.filter((role) => role === undefined || !known.includes(role))).toEqual([]);
  });
});

describe('kube-router', () => {
  it('hashes as the project does', () => {
    expect(kubeRouterSuffix('nsAsimple-egress1IPv4')).toBe('C23KD7UE4TAT3Y5M');
    expect(kubeRouterSuffix('prodallow-webIPv4')).toBe('IIIDVHOYRJVYWICD');
    expect(kubeRouterSuffix('prodallow-webingressrule0IPv4pod')).toBe('LUSPDTUZNPMIBBWM');
    expect(kubeRouterSuffix('prodallow-webingressrule1IPv4ipblock')).toBe('DIGAYYCSUK3VDMTG');
    expect(kubeRouterSuffix('prodallow-webegressrule0IPv4pod')).toBe('C2AGJ7A6OXOKXIW2');
    expect(kubeRouterSuffix('prodallow-webingressrule00IPv4namedport')).toBe('3XAQUEKRLKY2JM2Z');
    expect(kubeRouterSuffix('prodallow-web')).toBe('YSSQNLUBAIDCVJ27');
  });

  const policies = [policy('prod', 'allow-web', { podSelector: {} })];

  it.each(['kube-router-iptables-save-c-new-comments', 'kube-router-iptables-save-c-old-comments'])('%s', (name) => {
    const owners = everyOwner(capture(name), { policies });
    expect(owners.get('KUBE-POD-FW-K4H2C4ZB7GIO2PL3:6')).toBe(
      'kube-router end-of-policies - prod/db-0 [prod/allow-web]',
    );
    expect(owners.get('KUBE-POD-FW-K4H2C4ZB7GIO2PL3:4')).toBe(
      'kube-router workload-policies ingress prod/db-0 [prod/allow-web]',
    );
    expect(owners.get('KUBE-POD-FW-K4H2C4ZB7GIO2PL3:3')).toBe('kube-router default-allow egress prod/db-0 []');
    expect(owners.get('KUBE-NWPLCY-2TSB3KYP77KEW7PW:1')).toBe('kube-router policy ingress [prod/allow-web]#0');
    expect(owners.get('KUBE-NWPLCY-2TSB3KYP77KEW7PW:3')).toBe('kube-router policy ingress [prod/allow-web]#1');
    expect(owners.get('KUBE-NWPLCY-COMMON:1')).toBe('kube-router conntrack-invalid - []');
    expect(owners.get('KUBE-ROUTER-FORWARD:1')).toBe('kube-router dispatch ingress prod/db-0 []');
    expect(owners.get('KUBE-ROUTER-FORWARD:3')).toBe('kube-router dispatch egress prod/db-0 []');
  });

  it('quotes inside a comment, and pods without chain', () => {
    const owners = everyOwner(
      snapshotOf(`*filter
:KUBE-NWPLCY-COMMON -
:KUBE-NWPLCY-TAIL -
-A KUBE-NWPLCY-COMMON -m comment --comment "\\"rule to drop invalid state for pod\\"" -m conntrack --ctstate INVALID -j DROP
-A KUBE-NWPLCY-TAIL -m comment --comment "reject unprogrammed local pod (default-deny)" -j REJECT
COMMIT`),
    );
    expect([...owners.values()]).toEqual(['kube-router conntrack-invalid - []', 'kube-router unprogrammed - []']);
  });
});

describe('weave-npc', () => {
  it('names sets as the project does', () => {
    expect(weaveSetName('ingress-default-allow:default')).toBe('weave-;rGqyMIl1HN^cfDki~Z$3]6!N');
    expect(weaveSetName('prod:app=db')).toBe('weave-5w!l}D8~5Y$SEfl^b{jul{dhR');
    expect(weaveSetName(':team=arole=web')).toBe('weave-IPO9{Q(^T+tUPz$4.*~ji*JSn');
  });

  const policies = [
    policy('prod', 'db', {
      podSelector: { matchLabels: { app: 'db' } },
      ingress: [
        { from: [{ podSelector: { matchLabels: { app: 'api' } } }], ports: [{ port: 5432 }] },
        {
          from: [{ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: { matchLabels: { role: 'web' } } }],
        },
        { from: [{ ipBlock: { cidr: '10.32.0.0/12', except: ['10.40.0.0/24'] } }] },
      ],
    }),
    policy('prod', 'dns', {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ ports: [{ port: 53, protocol: 'UDP' }] }],
    }),
    policy('other', 'dns', { podSelector: {}, policyTypes: ['Egress'], egress: [{}] }),
  ];
  const owners = everyOwner(capture('weave-iptables-save-c-after-egress-drop'), { policies });

  it('names the policy and rule behind a comment', () => {
    expect(owners.get('WEAVE-NPC-INGRESS:1')).toBe('weave-npc policy ingress [prod/db]#0');
    expect(owners.get('WEAVE-NPC-INGRESS:2')).toBe('weave-npc policy ingress []');
    expect(owners.get('WEAVE-NPC-INGRESS:3')).toBe('weave-npc policy ingress [prod/db]#1');
    expect(owners.get('WEAVE-NPC-INGRESS:4')).toBe('weave-npc policy ingress [prod/db]#2');
    expect(owners.get('WEAVE-NPC-EGRESS-CUSTOM:1')).toBe('weave-npc policy egress [prod/dns]#0');
  });

  it('the ingress drop stands in FORWARD, the egress drop in its own chain', () => {
    expect(owners.get('FORWARD:4')).toBe('weave-npc shared-drop ingress [prod/db]');
    expect(owners.get('WEAVE-NPC-EGRESS:8')).toBe('weave-npc shared-drop egress [prod/dns, other/dns]');
    expect(owners.get('WEAVE-NPC-EGRESS:7')).toBe('weave-npc log egress []');
  });

  it('a rule about another bridge is not its own', () => {
    const found = everyOwner(
      snapshotOf(
        '*filter\n:FORWARD DROP\n:WEAVE-NPC -\n-A FORWARD -o weave -j WEAVE-NPC\n-A FORWARD -o docker0 -j DROP\nCOMMIT',
      ),
    );
    expect(found.get('FORWARD:2')).toBe('host firewall - []');
  });
});

describe('azure-npm', () => {
  it('hashes as the project does, in both schemes', () => {
    expect(azureChainSuffixes('y/base')).toEqual(['2697641196', '7oj1cz9mmz']);
    expect(azureChainSuffixes('kube-system/default-deny-ingress')).toEqual(['3750705395', '6jlte0ar22']);
    expect(azureSetNames('ns-y')).toEqual(['azure-npm-2837910840', 'azure-npm-10ab1bcsv6mirf373vdm']);
    expect(azureSetNames('namedport:serve-80')).toEqual(['azure-npm-3050895063', 'azure-npm-60hkxcajimtjwvmstcdb']);
  });

  const base = policy('y', 'base', { ingress: [{ from: [{}, {}] }] });
  const owners = everyOwner(capture('azure-npm-iptables-save-c-after'), { policies: [base] });

  it('jumps name the policy; the drop is shared by all of a direction', () => {
    expect(owners.get('AZURE-NPM-INGRESS:2')).toBe('azure-npm dispatch ingress [y/base]');
    expect(owners.get('AZURE-NPM-INGRESS:3')).toBe('azure-npm shared-drop ingress [y/metrics-only?, y/base]');
    expect(owners.get('AZURE-NPM-EGRESS:2')).toBe('azure-npm shared-drop egress [y/base]');
    expect(owners.get('AZURE-NPM-INGRESS-2697641196:3')).toBe('azure-npm mark ingress [y/base]');
    expect(owners.get('AZURE-NPM-INGRESS-2697641196:2')).toBe('azure-npm policy ingress [y/base]#0');
    expect(owners.get('AZURE-NPM-INGRESS-2697641196:1')).toBe('azure-npm policy ingress [y/base]#0');
  });

  it('an unlinked chain is found by its hash', () => {
    const snapshot = snapshotOf('*filter\n:AZURE-NPM-INGRESS-7oj1cz9mmz -\nCOMMIT');
    const index = createOwnerIndex({ pods: [], policies: [base] });
    expect(words(index.ownerOf(snapshot, 'filter', 'AZURE-NPM-INGRESS-7oj1cz9mmz'))).toBe(
      'azure-npm policy ingress [y/base]',
    );
  });

  it('the first generation: one drop per selector', () => {
    const a = policy('y', 'a', { podSelector: { matchLabels: { pod: 'a' } } });
    const text =
      '*filter\n:AZURE-NPM-INGRESS-DROPS -\n-A AZURE-NPM-INGRESS-DROPS -m comment --comment "DROP-ALL-TO-pod:a-IN-ns-y" -j DROP\nCOMMIT';
    expect([...everyOwner(snapshotOf(text), { policies: [base, a] }).values()]).toEqual([
      'azure-npm end-of-policies ingress [y/a]',
    ]);
  });
});

describe('kube-proxy, docker, ufw, firewalld and the host', () => {
  it.each([
    [
      'KUBE-SERVICES',
      '-d 10.96.0.1/32 -m comment --comment "shop/cart:http has no endpoints" -j REJECT',
      'kube-proxy no-endpoints - [] shop/cart:http',
    ],
    [
      'KUBE-EXTERNAL-SERVICES',
      '-m comment --comment "shop/cart:http has no local endpoints" -j DROP',
      'kube-proxy no-local-endpoint - [] shop/cart:http',
    ],
    [
      'KUBE-PROXY-FIREWALL',
      '-m comment --comment "shop/cart:http traffic not accepted by KUBE-FW-ABC" -j DROP',
      'kube-proxy source-range - [] shop/cart:http',
    ],
    [
      'KUBE-FW-ABC',
      '-m comment --comment "shop/cart:http loadbalancer IP" -j KUBE-MARK-DROP',
      'kube-proxy source-range - [] shop/cart:http',
    ],
    ['KUBE-FORWARD', '-m conntrack --ctstate INVALID -j DROP', 'kube-proxy conntrack-invalid - []'],
    [
      'KUBE-FIREWALL',
      '-m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP',
      'kube-proxy shared-drop - []',
    ],
    ['DOCKER-ISOLATION-STAGE-2', '-o docker0 -j DROP', 'docker isolation - []'],
    ['DOCKER-USER', '-j DROP', 'docker chain - []'],
    ['ufw-user-input', '-j DROP', 'ufw firewall - []'],
    ['IN_public', '-j DROP', 'firewalld firewall - []'],
    ['LOGDROP', '-j DROP', 'host firewall - []'],
    ['LOGDROP', '-m conntrack --ctstate INVALID -j DROP', 'host conntrack-invalid - []'],
    ['LOGDROP', '-j DOCKER-USER', 'docker entry - []'],
    ['FORWARD', '-m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD', 'kube-proxy entry - []'],
  ])('%s %s', (chain, text, wanted) => {
    const snapshot = snapshotOf(`*filter\n:${chain} -\n-A ${chain} ${text}\nCOMMIT`);
    expect(everyOwner(snapshot).get(`${chain}:1`)).toBe(wanted);
  });

  it('a chain that is not there and that no plugin would name so has no owner', () => {
    const index = createOwnerIndex({ pods: [], policies: [] });
    expect(index.ownerOf(snapshotOf('*filter\nCOMMIT'), 'filter', 'NOWHERE')).toBeUndefined();
  });
});
