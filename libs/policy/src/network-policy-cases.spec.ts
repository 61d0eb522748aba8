import { createPolicyEngine } from './engine.js';
import { queryOf, shown, stateOf } from './policy-fixture.js';

/** Pods with addresses, unless they are about not having one. */
const CLUSTER = `
ns x ns=x
ns y ns=y team=blue
ns z ns=z team=blue
node n1 192.168.0.1 zone=a
node n2 192.168.0.2 zone=b
pod x/a pod=a role=web @10.0.0.1 on:n1 port:serve-80=80/TCP port:serve-81=81/TCP port:dns=53/UDP port:dns-tcp=53/TCP
pod x/b pod=b role=db @10.0.0.2 on:n2 port:serve-80=8080/TCP
pod x/c pod=c @10.0.0.3 on:n2
pod y/a pod=a @10.0.1.1 on:n1 port:serve-80=80/TCP
pod y/b pod=b @10.0.1.2 on:n2 port:serve-80=80/UDP
pod z/a pod=a @10.0.2.1 on:n2
pod z/dual pod=dual @10.0.2.9 @fd00::9 on:n2
pod z/six pod=six @fd00::6 on:n2
pod y/lost pod=lost role=web
pod x/nowhere pod=nowhere
pod y/host pod=host @192.168.0.2 on:n2 host
pod y/done pod=done @10.0.9.9 phase:Succeeded
`;

function policies(specs: string): string {
  return specs
    .split(' ;; ')
    .map((spec, i) => {
      const named = /^([a-z0-9.-]+)\/([a-z0-9.-]+): (.*)$/s.exec(spec.trim());
      const [, namespace = 'x', name = `p${i}`, body = spec] = named ?? [];
      return `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${body}`;
    })
    .join('\n---\n');
}

function judged(specs: string, query: string): string {
  return shown(createPolicyEngine(stateOf(CLUSTER, policies(specs))).evaluate(queryOf(query)));
}

const A = 'podSelector: {matchLabels: {pod: a}}';
const PEER_B = '{podSelector: {matchLabels: {pod: b}}}';

/** name, policies of namespace x (p0, p1, … joined by ;;), connection, verdict */
const CASES: readonly (readonly [string, string, string, string])[] = [
  // What is isolated, and in which direction.
  ['no policy: everything is allowed', 'y/p: {podSelector: {}}', 'x/a -> x/b:80/TCP', 'allowed'],
  ['a policy of another namespace does not isolate', 'y/p: {podSelector: {}}', 'y/a -> x/a:80/TCP', 'allowed'],
  ['default deny ingress', '{podSelector: {}, policyTypes: [Ingress]}', 'x/b -> x/a:80/TCP', 'denied in | in !x/p0'],
  [
    'default deny ingress from outside',
    '{podSelector: {}, policyTypes: [Ingress]}',
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  ['default deny ingress leaves egress', '{podSelector: {}, policyTypes: [Ingress]}', 'x/a -> y/a:80/TCP', 'allowed'],
  ['default deny egress', '{podSelector: {}, policyTypes: [Egress]}', 'x/a -> y/a:80/TCP', 'denied out | out !x/p0'],
  ['default deny egress leaves ingress', '{podSelector: {}, policyTypes: [Egress]}', 'y/a -> x/a:80/TCP', 'allowed'],
  [
    'default deny all, out first',
    '{podSelector: {}, policyTypes: [Ingress, Egress]}',
    'x/a -> x/b:80/TCP',
    'denied out | out !x/p0 | in !x/p0',
  ],
  [
    'allow all ingress overrides a default deny',
    '{podSelector: {}} ;; {podSelector: {}, ingress: [{}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p1[0]',
  ],
  [
    'allow all egress',
    '{podSelector: {}, policyTypes: [Egress], egress: [{}]}',
    'x/a -> 8.8.8.8:53/UDP',
    'allowed | out x/p0[0]',
  ],
  ['podSelector picks the pod', `{${A}}`, 'x/b -> x/a:80/TCP', 'denied in | in !x/p0'],
  ['podSelector leaves the others', `{${A}}`, 'x/a -> x/b:80/TCP', 'allowed'],
  ['a spec without podSelector selects all', '{policyTypes: [Ingress]}', 'x/b -> x/c:80/TCP', 'denied in | in !x/p0'],
  ['podSelector null selects all', '{podSelector: null}', 'x/b -> x/c:80/TCP', 'denied in | in !x/p0'],
  ['a spec that is null isolates for ingress', 'null', 'x/b -> x/c:80/TCP', 'denied in | in !x/p0'],
  [
    'podSelector with labels null selects all',
    '{podSelector: {matchLabels: null, matchExpressions: null}}',
    'x/b -> x/c:80/TCP',
    'denied in | in !x/p0',
  ],
  // policyTypes and their default.
  ['no types, no sections: ingress', '{podSelector: {}}', 'x/a -> x/b:80/TCP', 'denied in | in !x/p0'],
  ['no types, no sections: not egress', '{podSelector: {}}', 'x/a -> z/a:80/TCP', 'allowed'],
  [
    'no types with egress rules isolates both: egress',
    '{podSelector: {}, egress: [{ports: [{port: 80}]}]}',
    'x/a -> z/a:81/TCP',
    'denied out | out !x/p0',
  ],
  [
    'no types with egress rules isolates both: ingress',
    '{podSelector: {}, egress: [{ports: [{port: 80}]}]}',
    'z/a -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  ['no types, egress: [] does not count', '{podSelector: {}, egress: []}', 'x/a -> z/a:81/TCP', 'allowed'],
  ['no types, egress null does not count', '{podSelector: {}, egress: null}', 'x/a -> z/a:81/TCP', 'allowed'],
  [
    'policyTypes [] is defaulted like none',
    '{podSelector: {}, policyTypes: [], egress: [{}]}',
    'z/a -> x/a:81/TCP',
    'denied in | in !x/p0',
  ],
  [
    'policyTypes null is defaulted like none',
    '{podSelector: {}, policyTypes: null}',
    'z/a -> x/a:81/TCP',
    'denied in | in !x/p0',
  ],
  [
    '[Ingress] with egress rules: egress is ignored',
    '{podSelector: {}, policyTypes: [Ingress], ingress: [{}], egress: [{ports: [{port: 1}]}]}',
    'x/a -> z/a:81/TCP',
    'allowed',
  ],
  [
    '[Ingress] with egress []: egress is ignored',
    '{podSelector: {}, policyTypes: [Ingress], ingress: [{}], egress: []}',
    'x/a -> z/a:81/TCP',
    'allowed',
  ],
  [
    '[Egress] with ingress rules: ingress is ignored',
    '{podSelector: {}, policyTypes: [Egress], ingress: [{ports: [{port: 1}]}], egress: [{}]}',
    'z/a -> x/a:81/TCP',
    'allowed',
  ],
  [
    'types in other capitals are meant as they sound',
    '{podSelector: {}, policyTypes: [egress]}',
    'x/a -> z/a:81/TCP',
    'denied out | out !x/p0',
  ],
  [
    'a type given twice',
    '{podSelector: {}, policyTypes: [Ingress, Ingress]}',
    'z/a -> x/a:81/TCP',
    'denied in | in !x/p0',
  ],
  // Rule lists.
  ['ingress [] is nobody', '{podSelector: {}, ingress: []}', 'x/b -> x/a:80/TCP', 'denied in | in !x/p0'],
  ['ingress [{}] is everybody', '{podSelector: {}, ingress: [{}]}', '8.8.8.8 -> x/a:80/TCP', 'allowed | in x/p0[0]'],
  [
    'an item that is null is an empty rule',
    '{podSelector: {}, ingress: [null]}',
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  ['from [] is everybody', '{podSelector: {}, ingress: [{from: []}]}', '8.8.8.8 -> x/a:80/TCP', 'allowed | in x/p0[0]'],
  [
    'from null is everybody',
    '{podSelector: {}, ingress: [{from: null}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  ['ports [] are all', '{podSelector: {}, ingress: [{ports: []}]}', '8.8.8.8 -> x/a:80/SCTP', 'allowed | in x/p0[0]'],
  [
    'from [] with ports',
    '{podSelector: {}, ingress: [{from: [], ports: [{port: 80}]}]}',
    '8.8.8.8 -> x/a:81/TCP',
    'denied in | in !x/p0',
  ],
  [
    'the rule that admits is named',
    `{podSelector: {}, ingress: [{ports: [{port: 1}]}, {from: [${PEER_B}]}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in x/p0[1]',
  ],
  [
    'all rules that admit are named',
    `{podSelector: {}, ingress: [{}, {from: [${PEER_B}]}]} ;; {podSelector: {}, ingress: [{ports: [{port: 80}]}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in x/p0[0] x/p0[1] x/p1[0]',
  ],
  [
    'policies add up, each with its part',
    '{podSelector: {}, ingress: [{ports: [{port: 80}]}]} ;; {podSelector: {}, ingress: [{ports: [{port: 81}]}]}',
    'x/b -> x/a:81/TCP',
    'allowed | in x/p1[0]',
  ],
  [
    'policies do not mix: peer of one, port of the other',
    `{podSelector: {}, ingress: [{ports: [{port: 80}], from: [${PEER_B}]}]} ;; {podSelector: {}, ingress: [{ports: [{port: 81}], from: [{podSelector: {matchLabels: {pod: c}}}]}]}`,
    'x/c -> x/a:80/TCP',
    'denied in | in !x/p0 !x/p1',
  ],
  [
    'both sides must admit',
    `{podSelector: {}, policyTypes: [Egress], egress: [{}]} ;; {podSelector: {}}`,
    'x/a -> x/b:80/TCP',
    'denied in | out x/p0[0] | in !x/p1',
  ],
  // Peers.
  [
    'podSelector peer: own namespace',
    `{podSelector: {}, ingress: [{from: [${PEER_B}]}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'podSelector peer: not another namespace',
    `{podSelector: {}, ingress: [{from: [${PEER_B}]}]}`,
    'y/b -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'podSelector {} peer: every pod of the own namespace',
    '{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}',
    'x/c -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'podSelector {} peer: no pod of another',
    '{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}',
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'podSelector {} peer: no address',
    '{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'namespaceSelector peer',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'namespaceSelector peer misses the own namespace',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]}',
    'x/b -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'namespaceSelector {} is every pod',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'namespaceSelector {} is no outside address',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'namespace by its name label',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: z}}}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'both selectors in one item: AND, met',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: b}}}]}]}',
    'y/b -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'both selectors in one item: AND, wrong pod',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: b}}}]}]}',
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'both selectors in one item: AND, wrong namespace',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: b}}}]}]}',
    'x/b -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'two items: OR, by namespace',
    `{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}}, ${PEER_B}]}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'two items: OR, by pod of the own namespace',
    `{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}}, ${PEER_B}]}]}`,
    'x/b -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'namespaceSelector with podSelector null is the namespace',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: y}}, podSelector: null}]}]}',
    'y/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'egress to a pod',
    `{${A}, policyTypes: [Egress], egress: [{to: [${PEER_B}]}]}`,
    'x/a -> x/b:1/TCP',
    'allowed | out x/p0[0]',
  ],
  [
    'egress to a pod by its address',
    `{${A}, policyTypes: [Egress], egress: [{to: [${PEER_B}]}]}`,
    'x/a -> 10.0.0.2:1/TCP',
    'allowed | out x/p0[0]',
  ],
  [
    'a pod by its address as the client',
    `{${A}, ingress: [{from: [${PEER_B}]}]}`,
    '10.0.0.2 -> x/a:1/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'the address of a finished pod is nobody',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}',
    '10.0.9.9 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  // Label selectors.
  [
    'In',
    '{podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, b]}]}}',
    'z/a -> x/b:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'In without the label',
    '{podSelector: {matchExpressions: [{key: role, operator: In, values: [web]}]}}',
    'z/a -> x/c:80/TCP',
    'allowed',
  ],
  [
    'NotIn matches where the label is absent',
    '{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [web]}]}}',
    'z/a -> x/c:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'NotIn does not match a listed value',
    '{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [web]}]}}',
    'z/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'Exists',
    '{podSelector: {matchExpressions: [{key: role, operator: Exists}]}}',
    'z/a -> x/b:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'Exists with values null',
    '{podSelector: {matchExpressions: [{key: role, operator: Exists, values: null}]}}',
    'z/a -> x/b:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'DoesNotExist',
    '{podSelector: {matchExpressions: [{key: role, operator: DoesNotExist}]}}',
    'z/a -> x/c:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'labels and expressions are ANDed',
    '{podSelector: {matchLabels: {pod: a}, matchExpressions: [{key: role, operator: In, values: [db]}]}}',
    'z/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'two expressions on one key are ANDed',
    '{podSelector: {matchExpressions: [{key: pod, operator: In, values: [a, b]}, {key: pod, operator: NotIn, values: [a]}]}}',
    'z/a -> x/a:80/TCP',
    'allowed',
  ],
  ['labels differ by capitals', '{podSelector: {matchLabels: {pod: A}}}', 'z/a -> x/a:80/TCP', 'allowed'],
  [
    'a key that objects inherit is no label',
    '{podSelector: {matchExpressions: [{key: constructor, operator: Exists}]}}',
    'z/a -> x/a:80/TCP',
    'allowed',
  ],
  // Ports.
  ['a port', '{podSelector: {}, ingress: [{ports: [{port: 80}]}]}', 'z/a -> x/a:80/TCP', 'allowed | in x/p0[0]'],
  [
    'a port is TCP unless it says otherwise',
    '{podSelector: {}, ingress: [{ports: [{port: 80}]}]}',
    'z/a -> x/a:80/UDP',
    'denied in | in !x/p0',
  ],
  [
    'a port of UDP',
    '{podSelector: {}, ingress: [{ports: [{port: 53, protocol: UDP}]}]}',
    'z/a -> x/a:53/UDP',
    'allowed | in x/p0[0]',
  ],
  [
    'a port of SCTP',
    '{podSelector: {}, ingress: [{ports: [{port: 53, protocol: SCTP}]}]}',
    'z/a -> x/a:53/SCTP',
    'allowed | in x/p0[0]',
  ],
  [
    'protocol null is TCP',
    '{podSelector: {}, ingress: [{ports: [{port: 80, protocol: null}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'a protocol without port is all its ports',
    '{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}',
    'z/a -> x/a:999/UDP',
    'allowed | in x/p0[0]',
  ],
  [
    'a protocol without port is no other protocol',
    '{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}',
    'z/a -> x/a:999/TCP',
    'denied in | in !x/p0',
  ],
  [
    'an empty port item is every TCP port',
    '{podSelector: {}, ingress: [{ports: [{}]}]}',
    'z/a -> x/a:999/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'an empty port item is no UDP',
    '{podSelector: {}, ingress: [{ports: [{}]}]}',
    'z/a -> x/a:999/UDP',
    'denied in | in !x/p0',
  ],
  [
    'ports are ORed',
    '{podSelector: {}, ingress: [{ports: [{port: 80}, {port: 81}]}]}',
    'z/a -> x/a:81/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'a port in quotes',
    '{podSelector: {}, ingress: [{ports: [{port: "80"}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'endPort: the first',
    '{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'endPort: the last',
    '{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}]}]}',
    'z/a -> x/a:90/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'endPort: behind it',
    '{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}]}]}',
    'z/a -> x/a:91/TCP',
    'denied in | in !x/p0',
  ],
  [
    'endPort: before it',
    '{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 90}]}]}',
    'z/a -> x/a:79/TCP',
    'denied in | in !x/p0',
  ],
  [
    'endPort equal to port',
    '{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 80}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'named port at the destination',
    '{podSelector: {}, ingress: [{ports: [{port: serve-80}]}]}',
    'z/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'the same name is another number at another pod',
    '{podSelector: {}, ingress: [{ports: [{port: serve-80}]}]}',
    'z/a -> x/b:8080/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'the number behind a name is that of the pod',
    '{podSelector: {}, ingress: [{ports: [{port: serve-80}]}]}',
    'z/a -> x/b:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'a name that the pod does not have',
    '{podSelector: {}, ingress: [{ports: [{port: serve-80}]}]}',
    'z/a -> x/c:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'a name of another protocol',
    '{podSelector: {}, ingress: [{ports: [{port: dns, protocol: TCP}]}]}',
    'z/a -> x/a:53/TCP',
    'denied in | in !x/p0',
  ],
  [
    'a name of the right protocol',
    '{podSelector: {}, ingress: [{ports: [{port: dns, protocol: UDP}]}]}',
    'z/a -> x/a:53/UDP',
    'allowed | in x/p0[0]',
  ],
  [
    'egress: a name is resolved at the destination',
    `{${A}, policyTypes: [Egress], egress: [{ports: [{port: serve-80}]}]}`,
    'x/a -> x/b:8080/TCP',
    'allowed | out x/p0[0]',
  ],
  [
    'egress: not at the source',
    `{${A}, policyTypes: [Egress], egress: [{ports: [{port: serve-80}]}]}`,
    'x/a -> x/b:80/TCP',
    'denied out | out !x/p0',
  ],
  [
    'egress: an address has no named ports',
    `{${A}, policyTypes: [Egress], egress: [{ports: [{port: serve-80}]}]}`,
    'x/a -> 8.8.8.8:80/TCP',
    'denied out | out !x/p0',
  ],
  [
    'egress: name and protocol of the destination',
    `{${A}, policyTypes: [Egress], egress: [{ports: [{port: serve-80, protocol: UDP}]}]}`,
    'x/a -> y/b:80/UDP',
    'allowed | out x/p0[0]',
  ],
  // ICMP.
  ['ICMP without policies', 'y/p: {podSelector: {}}', 'x/a -> x/b ICMP', 'allowed'],
  ['an isolated pod drops ICMP', '{podSelector: {}}', 'z/a -> x/a ICMP', 'denied in | in !x/p0'],
  [
    'a rule with ports never admits ICMP',
    '{podSelector: {}, ingress: [{ports: [{protocol: TCP}, {protocol: UDP}, {protocol: SCTP}]}]}',
    'z/a -> x/a ICMP',
    'denied in | in !x/p0',
  ],
  [
    'a rule without ports admits ICMP',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}',
    'z/a -> x/a ICMP',
    'allowed | in x/p0[0]',
  ],
  // ipBlock.
  [
    'ipBlock: an outside address',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/8}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: outside of it',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/8}}]}]}',
    '9.8.8.8 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: in except',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/8, except: [8.8.0.0/16]}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: beside except',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/8, except: [8.9.0.0/16]}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: several excepts',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/8, except: [8.9.0.0/16, 8.8.8.8/32]}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: what one block excepts another admits',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.0.0.0/8, except: [8.8.0.0/16]}}, {ipBlock: {cidr: 8.8.8.0/24}}]}]}',
    '8.8.8.8 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: host bits do not matter',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.8.8.8/8}}]}]}',
    '8.1.1.1 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: one address',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.8.8.8/32}}]}]}',
    '8.8.8.9 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: everything',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}',
    '8.8.8.9 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: everything of IPv4 is no IPv6',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}',
    '2001:db8::1 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: IPv6',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "2001:db8::/32", except: ["2001:db8:1::/48"]}}]}]}',
    '2001:db8::1 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: IPv6 in except',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: "2001:db8::/32", except: ["2001:db8:1::/48"]}}]}]}',
    '2001:db8:1::1 -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: matches pods by their address',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.1.0/24}}]}]}',
    'y/a -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: a pod outside of it',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.1.0/24}}]}]}',
    'z/a -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: either family of a pod',
    '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "fd00::/64"}}]}]}',
    'x/a -> z/six:80/TCP',
    'allowed | out x/p0[0]',
  ],
  [
    'ipBlock: only the family that both ends have counts',
    '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "fd00::/64"}}]}]}',
    'x/a -> z/dual:80/TCP',
    'denied out | out !x/p0',
  ],
  [
    'ipBlock: a pod by one of its addresses',
    '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: "fd00::/64"}}]}]}',
    'x/a -> [fd00::9]:80/TCP',
    'allowed | out x/p0[0]',
  ],
  [
    'ipBlock: an address that is not known',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}',
    'y/lost -> x/a:80/TCP',
    'unknown | in ?the address of lost',
  ],
  [
    'ipBlock: not asked for where another peer admits',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {namespaceSelector: {}}]}]}',
    'y/lost -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: not asked for where the port fails',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 81}]}]}',
    'y/lost -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'ipBlock: whatever the address, both families are admitted',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: "::/0"}}]}]}',
    'y/lost -> x/nowhere:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: one family alone does not, where neither address is known',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}',
    'y/lost -> x/nowhere:80/TCP',
    'unknown | in ?the address of lost',
  ],
  [
    'ipBlock: whatever the address, the halves make the whole',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/1}}]}, {from: [{ipBlock: {cidr: 128.0.0.0/1}}]}]}',
    'y/lost -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: everything of the family of the other end',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}',
    'y/lost -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  [
    'ipBlock: an unknown address and a hole',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.1.0.0/16]}}]}]}',
    'y/lost -> x/a:80/TCP',
    'unknown | in ?the address of lost',
  ],
  [
    'a side that denies decides, whatever is unknown on the other',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]} ;; y/p: {podSelector: {}, policyTypes: [Egress]}',
    'y/lost -> x/a:80/TCP',
    'denied out | out !y/p | in ?the address of lost',
  ],
  [
    'ingress denies though egress is unknown',
    '{podSelector: {}} ;; x/e: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.1.0.0/16}}]}]} ;; y/p: {podSelector: {}}',
    'x/a -> y/lost:80/TCP',
    'denied in | out ?the address of lost | in !y/p',
  ],
  // The host and the pod itself.
  ['a pod to itself', '{podSelector: {}, policyTypes: [Ingress, Egress]}', 'x/a -> x/a:80/TCP', 'allowed'],
  [
    'a pod to its own address',
    '{podSelector: {}, policyTypes: [Ingress, Egress]}',
    'x/a -> 10.0.0.1:80/TCP',
    'allowed',
  ],
  ['the own node to a pod', '{podSelector: {}}', '192.168.0.1 -> x/a:80/TCP', 'allowed'],
  ['another node to a pod', '{podSelector: {}}', '192.168.0.2 -> x/a:80/TCP', 'denied in | in !x/p0'],
  [
    'another node by ipBlock',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.168.0.2/32}}]}]}',
    '192.168.0.2 -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  ['a pod to its own node', '{podSelector: {}, policyTypes: [Egress]}', 'x/a -> 192.168.0.1:10250/TCP', 'allowed'],
  [
    'a pod to another node',
    '{podSelector: {}, policyTypes: [Egress]}',
    'x/a -> 192.168.0.2:10250/TCP',
    'denied out | out !x/p0',
  ],
  [
    'a host-network pod is not isolated',
    'y/p: {podSelector: {}, policyTypes: [Ingress, Egress]}',
    'x/a -> y/host:80/TCP',
    'allowed',
  ],
  [
    'a host-network pod is not selected as a peer',
    '{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}',
    'y/host -> x/a:80/TCP',
    'denied in | in !x/p0',
  ],
  [
    'a host-network pod is its node for ipBlock',
    '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.168.0.0/24}}]}]}',
    'y/host -> x/a:80/TCP',
    'allowed | in x/p0[0]',
  ],
  ['a host-network pod is the own node of pods beside it', '{podSelector: {}}', 'y/host -> x/b:80/TCP', 'allowed'],
];

describe('NetworkPolicy v1', () => {
  it.each(CASES)('%s', (_name, specs, query, expected) => {
    expect(judged(specs, query)).toBe(expected);
  });

  it('has a case of its own under every name', () => {
    expect(new Set(CASES.map(([name]) => name)).size).toBe(CASES.length);
  });
});
