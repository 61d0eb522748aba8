import { createPolicyEngine } from './engine.js';
import { queryOf, shown, stateOf } from './policy-fixture.js';

const CLUSTER = `
ns x env=dev
ns y env=test team=blue
ns z team=blue
node n1 192.168.0.1
node n2 192.168.0.2
pod x/a pod=a role=web @10.0.0.1 on:n1 port:http=80/TCP port:dns=53/UDP sa:web
pod x/b pod=b @10.0.0.2 on:n2 port:http=8080/TCP
pod y/a pod=a @10.0.1.1 on:n1 sa:web
pod y/b pod=b @10.0.1.2 on:n2
pod z/a pod=a @10.0.2.1 on:n2
pod z/lost pod=lost
pod z/host pod=host @192.168.0.2 on:n2 host
`;

const KINDS: Readonly<Record<string, readonly [api: string, kind: string, namespaced: boolean]>> = {
  np: ['projectcalico.org/v3', 'NetworkPolicy', true],
  crd: ['crd.projectcalico.org/v1', 'NetworkPolicy', true],
  gnp: ['projectcalico.org/v3', 'GlobalNetworkPolicy', false],
  knp: ['networking.k8s.io/v1', 'NetworkPolicy', true],
  anp: ['policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', false],
  tier: ['projectcalico.org/v3', 'Tier', false],
  set: ['projectcalico.org/v3', 'NetworkSet', true],
  gset: ['projectcalico.org/v3', 'GlobalNetworkSet', false],
  staged: ['projectcalico.org/v3', 'StagedNetworkPolicy', true],
  sgnp: ['projectcalico.org/v3', 'StagedGlobalNetworkPolicy', false],
  sknp: ['projectcalico.org/v3', 'StagedKubernetesNetworkPolicy', true],
  hep: ['projectcalico.org/v3', 'HostEndpoint', false],
  profile: ['projectcalico.org/v3', 'Profile', false],
  sa: ['v1', 'ServiceAccount', true],
  svc: ['v1', 'Service', true],
};

/** `kind name [key=value …]: spec`, joined by ` ;; `. Words behind the name are labels. */
function objects(text: string): string {
  return text
    .split(' ;; ')
    .map((one) => {
      const [, word = '', path = '', labels = '', spec = ''] =
        /^(\w+) (\S+?)((?: [^\s:]+=[^\s:]*)*): (.*)$/s.exec(one.trim()) ?? [];
      const [api, kind, namespaced] = KINDS[word] ?? ['', '', false];
      const [namespace = '', name = ''] = namespaced ? path.split('/') : ['', path];
      const pairs = labels
        .trim()
        .split(' ')
        .filter(Boolean)
        .map((pair) => pair.replace('=', ': '))
        .join(', ');
      const meta = `name: ${name}${namespaced ? `, namespace: ${namespace}` : ''}, labels: {${pairs}}`;
      return `apiVersion: ${api}\nkind: ${kind}\nmetadata: {${meta}}\nspec: ${spec}`;
    })
    .join('\n---\n');
}

function judged(text: string, query: string): string {
  return shown(createPolicyEngine(stateOf(CLUSTER, objects(text))).evaluate(queryOf(query)));
}

const IN = 'types: [Ingress]';
const OUT = 'types: [Egress]';

const CASES: readonly (readonly [string, string, string, string])[] = [
  // Types.
  ['types: none and no rules is ingress', 'np x/p: {selector: all()}', 'y/a -> x/a:80/TCP', 'denied in | in !np:x/p'],
  ['types: none and no rules is not egress', 'np x/p: {selector: all()}', 'x/a -> y/a:80/TCP', 'allowed'],
  [
    'types: none and egress rules is egress',
    'np x/p: {egress: [{action: Deny}]}',
    'x/a -> y/a:80/TCP',
    'denied out | out np:x/p[0]',
  ],
  ['types: none and egress rules is not ingress', 'np x/p: {egress: [{action: Deny}]}', 'y/a -> x/a:80/TCP', 'allowed'],
  [
    'types: none and both rules is both',
    'np x/p: {ingress: [{action: Allow}], egress: [{action: Deny}]}',
    'x/a -> y/a:80/TCP',
    'denied out | out np:x/p[0]',
  ],
  [
    'types: stored data without types is both',
    'crd x/default.p: {selector: all()}',
    'x/a -> y/a:80/TCP',
    'denied out | out !np:x/default.p',
  ],
  [
    'types: rules of a direction not listed never apply',
    `np x/p: {${IN}, ingress: [{action: Allow}], egress: [{action: Deny}]}`,
    'x/a -> y/a:80/TCP',
    'allowed',
  ],
  ['types: in small letters', 'np x/p: {types: [egress]}', 'x/a -> y/a:80/TCP', 'denied out | out !np:x/p'],
  // Actions and order.
  ['action Allow', `np x/p: {${IN}, ingress: [{action: Allow}]}`, 'y/a -> x/a:80/TCP', 'allowed | in np:x/p[0]'],
  ['action Deny', `np x/p: {${IN}, ingress: [{action: Deny}]}`, 'y/a -> x/a:80/TCP', 'denied in | in np:x/p[0]'],
  [
    'action in small letters',
    `np x/p: {${IN}, ingress: [{action: allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'action Log goes on',
    `np x/p: {${IN}, ingress: [{action: Log}, {action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[1]',
  ],
  [
    'a policy that only logs still isolates',
    `np x/p: {${IN}, ingress: [{action: Log}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'action Pass in the last tier: the profile allows',
    `np x/p: {${IN}, ingress: [{action: Pass}]}`,
    'y/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'the first rule decides',
    `np x/p: {${IN}, ingress: [{action: Deny, protocol: TCP}, {action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in np:x/p[0]',
  ],
  [
    'smaller order first',
    `np x/a: {order: 20, ${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: 10, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'order is a number',
    `np x/a: {order: 10, ${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: 9, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'order may be a fraction',
    `np x/a: {order: 1.5, ${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: 1.25, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'order may be negative',
    `np x/a: {order: 0, ${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: -1, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'order in quotes',
    `np x/a: {order: "10", ${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: "9", ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'no order comes last',
    `np x/a: {${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: 1000000, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'order null comes last',
    `np x/a: {order: null, ${IN}, ingress: [{action: Deny}]} ;; np x/b: {order: 5, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/b[0]',
  ],
  [
    'equal order: by name',
    `np x/b: {order: 1, ${IN}, ingress: [{action: Deny}]} ;; np x/a: {order: 1, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/a[0]',
  ],
  [
    'no order: by name',
    `gnp b: {${IN}, ingress: [{action: Deny}]} ;; gnp a: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in gnp:a[0]',
  ],
  [
    'global and namespaced by order',
    `gnp g: {order: 1, ${IN}, ingress: [{action: Deny}]} ;; np x/p: {order: 2, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in gnp:g[0]',
  ],
  // With Kubernetes policies.
  [
    'Kubernetes policies are at order 1000: before',
    `np x/p: {order: 999, ${IN}, ingress: [{action: Deny}]} ;; knp x/k: {podSelector: {}, ingress: [{}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in np:x/p[0]',
  ],
  [
    'Kubernetes policies are at order 1000: after',
    `np x/p: {order: 1001, ${IN}, ingress: [{action: Deny}]} ;; knp x/k: {podSelector: {}, ingress: [{}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in x/k[0]',
  ],
  [
    'a later Calico policy may admit what Kubernetes policies do not',
    `np x/p: {order: 1001, ${IN}, ingress: [{action: Allow}]} ;; knp x/k: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'default deny by both kinds',
    `np x/p: {order: 1001, ${IN}} ;; knp x/k: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p !x/k',
  ],
  [
    'order 1000 of Calico comes before Kubernetes of that order',
    `np x/p: {order: 1000, ${IN}, ingress: [{action: Deny}]} ;; knp x/k: {podSelector: {}, ingress: [{}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in np:x/p[0]',
  ],
  [
    'an ANP comes before tier default',
    `anp p: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]} ;; np x/p: {order: 1, ${IN}}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:p[0]',
  ],
  // Tiers.
  [
    'a tier before default decides',
    `tier sec: {order: 10} ;; gnp sec.p: {tier: sec, ${IN}, ingress: [{action: Allow}]} ;; np x/p: {${IN}}`,
    'y/a -> x/a:80/TCP',
    'allowed | in gnp:sec.p[0]',
  ],
  [
    'a tier denies at its end',
    `tier sec: {order: 10} ;; gnp sec.p: {tier: sec, ${IN}, ingress: [{action: Allow, protocol: UDP}]} ;; np x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !gnp:sec.p',
  ],
  [
    'Pass goes to the next tier',
    `tier sec: {order: 10} ;; gnp sec.p: {tier: sec, ${IN}, ingress: [{action: Pass}]} ;; np x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'Pass skips the rest of its tier',
    `tier sec: {order: 10} ;; gnp sec.p: {tier: sec, order: 1, ${IN}, ingress: [{action: Pass}]} ;; gnp sec.q: {tier: sec, order: 2, ${IN}, ingress: [{action: Deny}]}`,
    'y/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'a tier that does not select is skipped',
    `tier sec: {order: 10} ;; gnp sec.p: {tier: sec, selector: "pod == 'q'", ${IN}} ;; np x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'defaultAction Pass',
    `tier sec: {order: 10, defaultAction: Pass} ;; gnp sec.p: {tier: sec, ${IN}} ;; np x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'a tier without order comes last',
    `tier sec: {} ;; gnp sec.p: {tier: sec, ${IN}, ingress: [{action: Deny}]} ;; np x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'a tier behind default is reached by Pass',
    `tier last: {order: 2000000} ;; gnp last.p: {tier: last, ${IN}, ingress: [{action: Deny}]} ;; np x/p: {${IN}, ingress: [{action: Pass}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in gnp:last.p[0]',
  ],
  [
    'tiers by order',
    `tier a: {order: 20} ;; tier b: {order: 10} ;; gnp a.p: {tier: a, ${IN}, ingress: [{action: Deny}]} ;; gnp b.p: {tier: b, ${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in gnp:b.p[0]',
  ],
  [
    'default tier that passes',
    `tier default: {order: 1000000, defaultAction: Pass} ;; np x/p: {${IN}}`,
    'y/a -> x/a:80/TCP',
    'allowed',
  ],
  // Policy selectors.
  ['no selector is all of the namespace', `np x/p: {${IN}}`, 'y/a -> x/b:80/TCP', 'denied in | in !np:x/p'],
  ['a namespaced policy stays in its namespace', `np x/p: {selector: all(), ${IN}}`, 'x/a -> y/b:80/TCP', 'allowed'],
  ['a selector', `np x/p: {selector: "pod == 'a'", ${IN}}`, 'y/a -> x/b:80/TCP', 'allowed'],
  [
    'a selector in a block of text',
    `np x/p: {selector: "pod == 'b' ||\\n pod == 'c'\\n", ${IN}}`,
    'y/a -> x/b:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    '!= matches what lacks the label',
    `np x/p: {selector: "role != 'db'", ${IN}}`,
    'y/a -> x/b:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'labels that every pod has',
    `gnp p: {selector: "projectcalico.org/namespace == 'x'", ${IN}}`,
    'y/a -> x/b:80/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'the orchestrator',
    `gnp p: {selector: "projectcalico.org/orchestrator == 'k8s'", ${IN}}`,
    'y/a -> x/b:80/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'a global policy on a namespace label',
    `gnp p: {namespaceSelector: "team == 'blue'", ${IN}}`,
    'x/a -> z/a:80/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'a global policy on a namespace label, another namespace',
    `gnp p: {namespaceSelector: "team == 'blue'", ${IN}}`,
    'z/a -> x/b:80/TCP',
    'allowed',
  ],
  [
    'both selectors of a global policy',
    `gnp p: {namespaceSelector: "team == 'blue'", selector: "pod == 'b'", ${IN}}`,
    'x/a -> y/a:80/TCP',
    'allowed',
  ],
  [
    'serviceAccountSelector by name',
    `np x/p: {serviceAccountSelector: "projectcalico.org/name == 'web'", ${IN}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'serviceAccountSelector, another account',
    `np x/p: {serviceAccountSelector: "projectcalico.org/name == 'web'", ${IN}}`,
    'y/a -> x/b:80/TCP',
    'allowed',
  ],
  [
    'serviceAccountSelector by label',
    `sa x/web tier=front: {} ;; np x/p: {serviceAccountSelector: "tier == 'front'", ${IN}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  ['host-network pods are no endpoints', `gnp p: {${IN}}`, 'x/a -> z/host:80/TCP', 'allowed'],
  // Peers.
  [
    'source.selector: own namespace',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {selector: "pod == 'b'"}}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'source.selector: not another namespace',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {selector: "pod == 'b'"}}]}`,
    'y/b -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'source.selector all(): the own namespace',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {selector: all()}}]}`,
    'y/b -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'source.namespaceSelector',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: "env == 'test'"}}]}`,
    'y/b -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'source.namespaceSelector, another',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: "env == 'test'"}}]}`,
    'z/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'source.namespaceSelector all(): every pod',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: all()}}]}`,
    'z/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'source.namespaceSelector all(): no address',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: all()}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'source.namespaceSelector by name',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: "kubernetes.io/metadata.name == 'z'"}}]}`,
    'z/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'source.namespaceSelector by the name Calico gives',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: "projectcalico.org/name == 'z'"}}]}`,
    'z/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'source with both selectors',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: "env == 'test'", selector: "pod == 'b'"}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'a rule without source is anybody',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'a global rule selects everywhere',
    `gnp p: {${IN}, ingress: [{action: Allow, source: {selector: "pod == 'b'"}}]}`,
    'y/b -> x/a:80/TCP',
    'allowed | in gnp:p[0]',
  ],
  [
    '!= of a peer is no outside address',
    `gnp p: {${IN}, ingress: [{action: Allow, source: {selector: "pod != 'b'"}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'notSelector in a global policy matches outside addresses',
    `gnp p: {${IN}, ingress: [{action: Allow, source: {notSelector: "pod == 'b'"}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in gnp:p[0]',
  ],
  [
    'notSelector in a global policy',
    `gnp p: {${IN}, ingress: [{action: Allow, source: {notSelector: "pod == 'b'"}}]}`,
    'y/b -> x/a:80/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'notSelector alone in a namespaced policy keeps to the namespace',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {notSelector: "pod == 'b'"}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'notSelector alone in a namespaced policy: no outside address',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {notSelector: "pod == 'b'"}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'selector and notSelector',
    `gnp p: {${IN}, ingress: [{action: Allow, source: {selector: has(pod), notSelector: "pod == 'b'"}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in gnp:p[0]',
  ],
  [
    'serviceAccounts.names: own namespace',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {serviceAccounts: {names: [web]}}}]}`,
    'y/a -> x/b:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'serviceAccounts.names',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {serviceAccounts: {names: [web]}}}]}`,
    'x/a -> x/b:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'serviceAccounts.names with a namespace',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {namespaceSelector: all(), serviceAccounts: {names: [web]}}}]}`,
    'y/a -> x/b:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'serviceAccounts.selector',
    `sa x/web tier=front: {} ;; np x/p: {${IN}, ingress: [{action: Allow, source: {serviceAccounts: {selector: "tier == 'front'"}}}]}`,
    'x/a -> x/b:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'an account that is not named is default',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {serviceAccounts: {names: [default]}}}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'an ingress rule may ask its own end',
    `np x/p: {${IN}, ingress: [{action: Allow, destination: {selector: "pod == 'b'"}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'nets',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {nets: [8.0.0.0/8, 9.0.0.0/8]}}]}`,
    '9.9.9.9 -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'nets match pods',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {nets: [10.0.1.0/24]}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'nets and an address that is not known',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {nets: [10.0.1.0/24]}}]}`,
    'z/lost -> x/a:80/TCP',
    'unknown | in ?the address of lost',
  ],
  [
    'notNets',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {notNets: [8.0.0.0/8]}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'nets and notNets',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {nets: [8.0.0.0/8], notNets: [8.8.0.0/16]}}]}`,
    '8.9.9.9 -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'a bare address is a net of one',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {nets: [8.8.8.8]}}]}`,
    '8.8.8.9 -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'nets and selector are ANDed',
    `np x/p: {${IN}, ingress: [{action: Allow, source: {selector: all(), nets: [10.0.1.0/24]}}]}`,
    'x/b -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  // Ports and protocols.
  [
    'a port',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'another port',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}`,
    'y/a -> x/a:81/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'another protocol',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}`,
    'y/a -> x/a:80/UDP',
    'denied in | in !np:x/p',
  ],
  [
    'a range',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: ["8000:8100"]}}]}`,
    'y/a -> x/a:8100/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'behind the range',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: ["8000:8100"]}}]}`,
    'y/a -> x/a:8101/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'a port in quotes',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: ["80"]}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'a named port',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [http]}}]}`,
    'y/a -> x/b:8080/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'a named port of another number',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [http]}}]}`,
    'y/a -> x/b:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'a named port of another protocol',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [dns]}}]}`,
    'y/a -> x/a:53/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'a named port of those that the selector matches',
    `np x/p: {${OUT}, egress: [{action: Allow, protocol: TCP, destination: {selector: "pod == 'b'", ports: [http]}}]}`,
    'x/a -> x/b:8080/TCP',
    'allowed | out np:x/p[0]',
  ],
  [
    'named and numeric ports together',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [http, 443]}}]}`,
    'y/a -> x/b:443/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'notPorts',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {notPorts: [80]}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'notPorts, another',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, destination: {notPorts: [80]}}]}`,
    'y/a -> x/a:81/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'source ports are not known',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: TCP, source: {ports: [1000]}}]}`,
    'y/a -> x/a:81/TCP',
    'unknown | in ?the source port',
  ],
  [
    'a protocol by number',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: 17}]}`,
    'y/a -> x/a:81/UDP',
    'allowed | in np:x/p[0]',
  ],
  [
    'notProtocol',
    `np x/p: {${IN}, ingress: [{action: Allow, notProtocol: UDP}]}`,
    'y/a -> x/a:81/UDP',
    'denied in | in !np:x/p',
  ],
  [
    'notProtocol, another',
    `np x/p: {${IN}, ingress: [{action: Allow, notProtocol: UDP}]}`,
    'y/a -> x/a ICMP',
    'allowed | in np:x/p[0]',
  ],
  [
    'ICMP by protocol',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: ICMP}]}`,
    'y/a -> x/a ICMP',
    'allowed | in np:x/p[0]',
  ],
  [
    'ICMP of a type',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8}}]}`,
    'y/a -> x/a ICMP 8/0',
    'allowed | in np:x/p[0]',
  ],
  [
    'ICMP of another type',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8}}]}`,
    'y/a -> x/a ICMP 3/0',
    'denied in | in !np:x/p',
  ],
  [
    'ICMP of a code',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: ICMP, icmp: {type: 3, code: 4}}]}`,
    'y/a -> x/a ICMP 3/1',
    'denied in | in !np:x/p',
  ],
  [
    'notICMP',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: ICMP, notICMP: {type: 8}}]}`,
    'y/a -> x/a ICMP 8/0',
    'denied in | in !np:x/p',
  ],
  [
    'ICMP without a type asked',
    `np x/p: {${IN}, ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8}}]}`,
    'y/a -> x/a ICMP',
    'unknown | in ?the ICMP type and code',
  ],
  [
    'ipVersion 4',
    `np x/p: {${IN}, ingress: [{action: Allow, ipVersion: 4}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  [
    'ipVersion 6',
    `np x/p: {${IN}, ingress: [{action: Allow, ipVersion: 6}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !np:x/p',
  ],
  [
    'an HTTP request is not known',
    `np x/p: {${IN}, ingress: [{action: Allow, http: {methods: [GET]}}]}`,
    'y/a -> x/a:80/TCP',
    'unknown | in ?the HTTP request',
  ],
  // Network sets.
  [
    'a global network set by label',
    `gset cdn kind=cdn: {nets: [8.8.0.0/16]} ;; gnp p: {${OUT}, egress: [{action: Allow, destination: {selector: "kind == 'cdn'"}}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'allowed | out gnp:p[0]',
  ],
  [
    'an address outside the set',
    `gset cdn kind=cdn: {nets: [8.8.0.0/16]} ;; gnp p: {${OUT}, egress: [{action: Allow, destination: {selector: "kind == 'cdn'"}}]}`,
    'x/a -> 8.9.8.8:53/UDP',
    'denied out | out !gnp:p',
  ],
  [
    'a namespaced policy does not see a global set',
    `gset cdn kind=cdn: {nets: [8.8.0.0/16]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {selector: "kind == 'cdn'"}}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'denied out | out !np:x/p',
  ],
  [
    'a namespaced policy sees it through global()',
    `gset cdn kind=cdn: {nets: [8.8.0.0/16]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {namespaceSelector: global(), selector: "kind == 'cdn'"}}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'allowed | out np:x/p[0]',
  ],
  [
    'global() alone is no pod',
    `np x/p: {${OUT}, egress: [{action: Allow, destination: {namespaceSelector: global()}}]}`,
    'x/a -> y/a:53/UDP',
    'denied out | out !np:x/p',
  ],
  [
    'a network set of the own namespace',
    `set x/cdn kind=cdn: {nets: [8.8.0.0/16]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {selector: "kind == 'cdn'"}}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'allowed | out np:x/p[0]',
  ],
  [
    'a network set of another namespace',
    `set y/cdn kind=cdn: {nets: [8.8.0.0/16]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {selector: "kind == 'cdn'"}}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'denied out | out !np:x/p',
  ],
  [
    'a network set by its namespace',
    `set y/cdn kind=cdn: {nets: [8.8.0.0/16]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {namespaceSelector: "env == 'test'"}}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'allowed | out np:x/p[0]',
  ],
  [
    'a set that holds a pod',
    `gset pods kind=pods: {nets: [10.0.1.0/24]} ;; gnp p: {${OUT}, egress: [{action: Deny, destination: {selector: "kind == 'pods'"}}]}`,
    'x/a -> y/a:53/UDP',
    'denied out | out gnp:p[0]',
  ],
  [
    'a set and an address that is not known',
    `gset pods kind=pods: {nets: [10.0.1.0/24]} ;; gnp p: {${OUT}, egress: [{action: Deny, destination: {selector: "kind == 'pods'"}}, {action: Allow}]}`,
    'x/a -> z/lost:53/UDP',
    'unknown | out ?the address of lost',
  ],
  // Services in rules.
  [
    'destination.services',
    `svc x/web: {selector: {pod: b}, ports: [{port: 80, targetPort: 8080}]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {services: {name: web}}}]}`,
    'x/a -> x/b:8080/TCP',
    'allowed | out np:x/p[0]',
  ],
  [
    'destination.services fixes the port',
    `svc x/web: {selector: {pod: b}, ports: [{port: 80, targetPort: 8080}]} ;; np x/p: {${OUT}, egress: [{action: Allow, destination: {services: {name: web}}}]}`,
    'x/a -> x/b:80/TCP',
    'denied out | out !np:x/p',
  ],
  [
    'destination.services of another namespace',
    `svc y/web: {selector: {pod: b}, ports: [{port: 80}]} ;; gnp p: {${OUT}, egress: [{action: Allow, destination: {services: {name: web, namespace: y}}}]}`,
    'x/a -> y/b:80/TCP',
    'allowed | out gnp:p[0]',
  ],
  [
    'source.services',
    `svc x/web: {selector: {pod: b}, ports: [{port: 80}]} ;; np x/p: {${IN}, ingress: [{action: Allow, source: {services: {name: web}}}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in np:x/p[0]',
  ],
  // Host endpoints.
  [
    'a host endpoint without policy drops',
    'hep h1: {node: n1, interfaceName: eth0}',
    'z/a -> 192.168.0.1:8080/TCP',
    'denied in | in !HostEndpoint:h1',
  ],
  ['its failsafe ports are open', 'hep h1: {node: n1, interfaceName: eth0}', 'z/a -> 192.168.0.1:22/TCP', 'allowed'],
  [
    'a profile that allows',
    'hep h1: {node: n1, interfaceName: "*", profiles: [projectcalico-default-allow]}',
    '8.8.8.8 -> 192.168.0.1:8080/TCP',
    'allowed | in profile:projectcalico-default-allow[0]',
  ],
  [
    'a profile with rules',
    'profile web: {ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]} ;; hep h1: {node: n1, profiles: [web]}',
    '8.8.8.8 -> 192.168.0.1:8080/TCP',
    'allowed | in profile:web[0]',
  ],
  [
    'a policy selects it by label',
    `hep h1 role=node: {node: n1} ;; gnp p: {selector: "role == 'node'", ${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]}`,
    '8.8.8.8 -> 192.168.0.1:8080/TCP',
    'allowed | in gnp:p[0]',
  ],
  [
    'end of tier at a host endpoint',
    `hep h1 role=node: {node: n1} ;; gnp p: {selector: "role == 'node'", ${IN}, ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]}`,
    '8.8.8.8 -> 192.168.0.1:8081/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'all() also selects host endpoints',
    `hep h1: {node: n1, profiles: [projectcalico-default-allow]} ;; gnp p: {selector: all(), ${IN}}`,
    '8.8.8.8 -> 192.168.0.1:8081/TCP',
    'denied in | in !gnp:p',
  ],
  [
    'with a namespace selector all() does not',
    `hep h1: {node: n1, profiles: [projectcalico-default-allow]} ;; gnp p: {selector: all(), namespaceSelector: all(), ${IN}}`,
    '8.8.8.8 -> 192.168.0.1:8081/TCP',
    'allowed | in profile:projectcalico-default-allow[0]',
  ],
  [
    'a host endpoint as peer by expectedIPs',
    `hep h1 role=node: {node: n1, expectedIPs: [192.168.0.1], profiles: [projectcalico-default-allow]} ;; gnp p: {selector: "pod == 'b'", ${IN}, ingress: [{action: Allow, source: {selector: "role == 'node'"}}]}`,
    '192.168.0.1 -> x/b:80/TCP',
    'allowed | out profile:projectcalico-default-allow[0] | in gnp:p[0]',
  ],
  [
    'doNotTrack allows before anything',
    `hep h1 role=node: {node: n1} ;; gnp p: {selector: "role == 'node'", applyOnForward: true, doNotTrack: true, ${IN}, ingress: [{action: Allow, protocol: UDP}]}`,
    '8.8.8.8 -> 192.168.0.1:53/UDP',
    'allowed | in gnp:p[0]',
  ],
  [
    'preDNAT denies before anything',
    `hep h1 role=node: {node: n1, profiles: [projectcalico-default-allow]} ;; gnp p: {selector: "role == 'node'", applyOnForward: true, preDNAT: true, ${IN}, ingress: [{action: Deny, source: {nets: [8.0.0.0/8]}}]}`,
    '8.8.8.8 -> 192.168.0.1:8080/TCP',
    'denied in | in gnp:p[0]',
  ],
  [
    'preDNAT does not drop at the end of its tier',
    `hep h1 role=node: {node: n1, profiles: [projectcalico-default-allow]} ;; gnp p: {selector: "role == 'node'", applyOnForward: true, preDNAT: true, ${IN}, ingress: [{action: Deny, source: {nets: [8.0.0.0/8]}}]}`,
    '9.8.8.8 -> 192.168.0.1:8080/TCP',
    'allowed | in profile:projectcalico-default-allow[0]',
  ],
  [
    'doNotTrack and preDNAT do not apply to pods',
    `gnp p: {applyOnForward: true, doNotTrack: true, ${IN}, ingress: [{action: Deny}]}`,
    '8.8.8.8 -> x/a:8080/TCP',
    'allowed',
  ],
  [
    'forwarded traffic without applyOnForward',
    `hep h1 role=node: {node: n1} ;; gnp p: {selector: "role == 'node'", ${IN}, ingress: [{action: Deny}]}`,
    '8.8.8.8 -> x/a:8080/TCP',
    'allowed',
  ],
  [
    'forwarded traffic with applyOnForward',
    `hep h1 role=node: {node: n1} ;; gnp p: {selector: "role == 'node'", applyOnForward: true, ${IN}, ingress: [{action: Deny}]}`,
    '8.8.8.8 -> x/a:8080/TCP',
    'denied in | in gnp:p[0]',
  ],
  [
    'forwarding is not between pods of one node',
    `hep h1 role=node: {node: n1} ;; gnp p: {selector: "role == 'node'", applyOnForward: true, ${IN}, ingress: [{action: Deny}]}`,
    'y/a -> x/a:8080/TCP',
    'allowed',
  ],
  ['the host to its own pods is always allowed', `gnp p: {${IN}}`, '192.168.0.1 -> x/a:80/TCP', 'allowed'],
  [
    'a pod to its own host is judged by its egress',
    `gnp p: {${OUT}, selector: has(pod)}`,
    'x/a -> 192.168.0.1:80/TCP',
    'denied out | out !gnp:p',
  ],
];

describe('Calico policies', () => {
  it.each(CASES)('%s', (_name, text, query, expected) => {
    expect(judged(text, query)).toBe(expected);
  });
});

const PENDING: readonly (readonly [string, string, string, string, string | undefined])[] = [
  ['a staged policy is not enforced', `staged x/p: {${IN}}`, 'y/a -> x/a:80/TCP', 'allowed', 'denied'],
  [
    'a staged policy beside an enforced one',
    `np x/q: {${IN}} ;; staged x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/q',
    'allowed',
  ],
  [
    'a staged policy replaces the one of its name',
    `np x/p: {${IN}} ;; staged x/p: {${IN}, ingress: [{action: Allow}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
    'allowed',
  ],
  [
    'a staged deletion',
    `np x/p: {${IN}} ;; staged x/p: {stagedAction: Delete, ${IN}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !np:x/p',
    'allowed',
  ],
  ['a staged global policy', `sgnp p: {${IN}}`, 'y/a -> x/a:80/TCP', 'allowed', 'denied'],
  ['a staged Kubernetes policy', 'sknp x/p: {podSelector: {}, ingress: []}', 'y/a -> x/a:80/TCP', 'allowed', 'denied'],
  ['a staged policy that selects neither end', `staged z/p: {${IN}}`, 'y/a -> x/a:80/TCP', 'allowed', undefined],
  [
    'a tier with only staged policies does not drop',
    `tier sec: {order: 1} ;; sgnp sec.p: {tier: sec, ${IN}}`,
    'y/a -> x/a:80/TCP',
    'allowed',
    'denied',
  ],
];

describe('staged policies', () => {
  it.each(PENDING)('%s', (_name, text, query, expected, pending) => {
    const verdict = createPolicyEngine(stateOf(CLUSTER, objects(text))).evaluate(queryOf(query));
    expect([shown(verdict), verdict.pending?.verdict]).toEqual([expected, pending]);
  });
});

describe('the stored form of Calico policies', () => {
  const both = `np x/p: {${IN}, ingress: [{action: Allow}]} ;; crd x/default.p: {${IN}, ingress: [{action: Allow}]}`;

  it('is the same object when the served form is there too', () => {
    expect(judged(both, 'y/a -> x/a:80/TCP')).toBe('allowed | in np:x/p[0]');
  });

  it('is a policy of its own otherwise', () => {
    expect(judged(`crd x/default.p: {${IN}, ingress: [{action: Deny}]}`, 'y/a -> x/a:80/TCP')).toBe(
      'denied in | in np:x/default.p[0]',
    );
  });
});
