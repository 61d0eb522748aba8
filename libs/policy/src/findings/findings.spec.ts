import { createPolicyEngine } from '../engine.js';
import { queryOf, stateOf } from '../policy-fixture.js';

const CLUSTER = `
ns x
ns y team=blue
node n1 192.168.0.1
pod x/web app=web @10.0.0.1 port:http=8080/TCP
pod x/db app=db @10.0.0.2 port:sql=5432/TCP
pod y/api app=api @10.0.1.1 port:http=8080/TCP
pod y/db app=db @10.0.1.2
pod kube-system/dns k8s-app=kube-dns @10.0.9.9 port:dns=1053/UDP port:dns-tcp=1053/TCP
`;

const KINDS: Readonly<Record<string, readonly [api: string, kind: string]>> = {
  np: ['networking.k8s.io/v1', 'NetworkPolicy'],
  calico: ['projectcalico.org/v3', 'NetworkPolicy'],
  anp: ['policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy'],
  svc: ['v1', 'Service'],
};

function objects(text: string): string {
  return text
    .split(' ;; ')
    .map((one) => {
      const [, word = '', name = '', spec = ''] = /^(\w+) ([\w-]+): (.*)$/s.exec(one.trim()) ?? [];
      const [api, kind] = KINDS[word] ?? ['', ''];
      return `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: x}\nspec: ${spec}`;
    })
    .join('\n---\n');
}

/** `CODE path` of every finding; forgotten DNS only where it is asked for, since most policies here forget it. */
function found(text: string, dns = false): readonly string[] {
  const findings = createPolicyEngine(stateOf(CLUSTER, objects(text))).findings();
  return findings.filter(({ code }) => code.startsWith('DNS') === dns).map(({ code, path }) => `${code} ${path}`);
}

const SVC = 'svc web: {selector: {app: web}, ports: [{name: main, port: 80, targetPort: 8080}]}';
const TO_DNS =
  '{to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{protocol: UDP, port: 1053}, {protocol: TCP, port: 1053}]}';

const MISTAKES: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'nothing is wrong',
    'np p: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 8080}]}]}',
    [],
  ],
  [
    'an egress section that is ignored',
    'np p: {podSelector: {}, policyTypes: [Ingress], egress: [{}]}',
    ['IGNORED_SECTION spec.egress'],
  ],
  [
    'an empty egress section that is ignored',
    'np p: {podSelector: {}, policyTypes: [Ingress], egress: []}',
    ['IGNORED_SECTION spec.egress'],
  ],
  [
    'an ingress section that is ignored',
    'np p: {podSelector: {}, policyTypes: [Egress], ingress: [{}]}',
    ['IGNORED_SECTION spec.ingress'],
  ],
  ['sections without types are not ignored', 'np p: {podSelector: {}, ingress: [{}], egress: [{}]}', []],
  [
    'a section of Calico that is ignored',
    'calico p: {types: [Ingress], ingress: [{action: Allow}], egress: [{action: Allow}]}',
    ['IGNORED_SECTION spec.egress'],
  ],
  [
    'two peers where one was meant',
    'np p: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: api}}}]}]}',
    ['OR_PEERS spec.ingress[0].from[1]', 'MATCHES_NOTHING spec.ingress[0].from[1].podSelector'],
  ],
  [
    'two peers the other way round',
    'np p: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: db}}}, {namespaceSelector: {matchLabels: {team: blue}}}]}]}',
    ['OR_PEERS spec.ingress[0].from[1]'],
  ],
  [
    'two peers that were meant',
    'np p: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: web}}}]}]}',
    [],
  ],
  [
    'two peers in egress',
    'np p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: db}}}]}]}',
    ['OR_PEERS spec.egress[0].to[1]'],
  ],
  [
    'one peer where two were meant',
    'np p: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}]}]}',
    ['AND_PEER spec.ingress[0].from[0]', 'MATCHES_NOTHING spec.ingress[0].from[0].podSelector'],
  ],
  [
    'one peer that was meant',
    'np p: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: api}}}]}]}',
    [],
  ],
  [
    'a policy that selects nothing',
    'np p: {podSelector: {matchLabels: {app: cache}}}',
    ['MATCHES_NOTHING spec.podSelector'],
  ],
  ['a label in other capitals', 'np p: {podSelector: {matchLabels: {app: Web}}}', ['LABEL_TYPO spec.podSelector']],
  [
    'a label one character off',
    'np p: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: webb}}}]}]}',
    ['LABEL_TYPO spec.ingress[0].from[0].podSelector'],
  ],
  [
    'a label key one character off',
    'np p: {podSelector: {matchLabels: {ap: web}}}',
    ['MATCHES_NOTHING spec.podSelector'],
  ],
  ['a label key in other capitals', 'np p: {podSelector: {matchLabels: {App: web}}}', ['LABEL_TYPO spec.podSelector']],
  [
    'a namespace that is none',
    'np p: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}}]}]}',
    ['MATCHES_NOTHING spec.ingress[0].from[0].namespaceSelector'],
  ],
  [
    'a namespace label one character off',
    'np p: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: bluee}}}]}]}',
    ['LABEL_TYPO spec.ingress[0].from[0].namespaceSelector'],
  ],
  [
    'an expression that matches nothing',
    'np p: {podSelector: {matchExpressions: [{key: app, operator: In, values: [a, b]}]}}',
    ['MATCHES_NOTHING spec.podSelector'],
  ],
  [
    'a selector of Calico that matches nothing',
    `calico p: {selector: "app == 'cache'"}`,
    ['MATCHES_NOTHING spec.selector'],
  ],
  ['a selector of Calico with a typo', `calico p: {selector: "app == 'weB'"}`, ['LABEL_TYPO spec.selector']],
  [
    'the port of a service',
    `${SVC} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}`,
    ['DNAT_PORT spec.ingress[0].ports[0]'],
  ],
  [
    'the port of the pod',
    `${SVC} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}]}`,
    [],
  ],
  [
    'the name of a service port',
    `${SVC} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: main}]}]}`,
    ['DNAT_PORT spec.ingress[0].ports[0]'],
  ],
  [
    'the name of a pod port',
    `${SVC} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: http}]}]}`,
    [],
  ],
  [
    'the port of a service, in egress',
    `${SVC} ;; np p: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]}`,
    ['DNAT_PORT spec.egress[0].ports[0]'],
  ],
  [
    'the port of a service that the rule is not about',
    `${SVC} ;; np p: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 80}]}]}`,
    [],
  ],
  [
    'the port of a service, in Calico',
    `${SVC} ;; calico p: {selector: "app == 'web'", types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]}`,
    ['DNAT_PORT spec.ingress[0].destination.ports[0]'],
  ],
  [
    'a rule behind one that decides everything',
    'calico p: {types: [Ingress], ingress: [{action: Deny}, {action: Allow, protocol: TCP}]}',
    ['UNREACHABLE_RULE spec.ingress[1]'],
  ],
  [
    'a rule behind one with the same conditions',
    `calico p: {types: [Ingress], ingress: [{action: Deny, protocol: TCP}, {action: Allow, protocol: TCP, destination: {ports: [80]}}]}`,
    ['UNREACHABLE_RULE spec.ingress[1]'],
  ],
  [
    'a rule behind a narrower one',
    `calico p: {types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [80]}}, {action: Allow, protocol: TCP}]}`,
    [],
  ],
  ['a rule behind one that logs', 'calico p: {types: [Ingress], ingress: [{action: Log}, {action: Allow}]}', []],
  [
    'a policy behind another by order',
    'calico a: {order: 10, types: [Ingress], ingress: [{action: Deny}]} ;; calico b: {order: 20, types: [Ingress], ingress: [{action: Allow}]}',
    ['UNREACHABLE_RULE spec.ingress[0]'],
  ],
  [
    'a policy behind another that selects other pods',
    `calico a: {order: 10, selector: "app == 'db'", types: [Ingress], ingress: [{action: Deny}]} ;; calico b: {order: 20, types: [Ingress], ingress: [{action: Allow}]}`,
    [],
  ],
  [
    'a Kubernetes policy behind order 500',
    'calico a: {order: 500, types: [Ingress], ingress: [{action: Deny}]} ;; np b: {podSelector: {}, ingress: [{}]}',
    ['UNREACHABLE_RULE spec.ingress[0]'],
  ],
  [
    'a Kubernetes policy before order 1500',
    'calico a: {order: 1500, types: [Ingress], ingress: [{action: Deny}]} ;; np b: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}',
    [],
  ],
  [
    'a rule of an ANP behind another',
    'anp a: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}, {action: Allow, from: [{namespaces: {}}], ports: [{portNumber: {port: 80}}]}]}',
    ['UNREACHABLE_RULE spec.ingress[1]'],
  ],
  [
    'a block for clients that come through a node',
    'svc web: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}',
    ['CLIENT_HIDDEN_BY_SNAT spec.ingress[0].from[0].ipBlock'],
  ],
  [
    'a block for clients whose address is kept',
    'svc web: {type: NodePort, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}',
    [],
  ],
  [
    'a block of node addresses',
    'svc web: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]} ;; np p: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 192.168.0.0/24}}]}]}',
    [],
  ],
  [
    'a part that fails closed',
    'anp a: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{planets: {}}]}]}',
    ['FAILS_CLOSED spec.ingress[0].from[0]'],
  ],
  [
    'a part that is not valid',
    'np p: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: x}}]}]}',
    ['INVALID_POLICY spec.ingress[0].from[0].ipBlock.cidr'],
  ],
];

const DNS: readonly (readonly [string, string, readonly string[]])[] = [
  ['ingress isolation says nothing of names', 'np p: {podSelector: {}}', []],
  ['a default deny of egress', 'np p: {podSelector: {}, policyTypes: [Egress]}', ['DNS_BLOCKED spec.egress']],
  [
    'egress rules that forget names',
    'np p: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}',
    ['DNS_BLOCKED spec.egress'],
  ],
  [
    'names at the port of the service, not of the pod',
    `np p: {podSelector: {}, policyTypes: [Egress], egress: [${TO_DNS.replaceAll('1053', '53')}]}`,
    ['DNS_BLOCKED spec.egress'],
  ],
  [
    'names over UDP only',
    `np p: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{protocol: UDP, port: 1053}]}]}`,
    ['DNS_TCP_BLOCKED spec.egress'],
  ],
  ['names over both', `np p: {podSelector: {}, policyTypes: [Egress], egress: [${TO_DNS}]}`, []],
  [
    'a second policy that remembers names',
    `np p: {podSelector: {}, policyTypes: [Egress]} ;; np q: {podSelector: {}, policyTypes: [Egress], egress: [${TO_DNS}]}`,
    [],
  ],
  ['everything is open', 'np p: {podSelector: {}, policyTypes: [Egress], egress: [{}]}', []],
];

describe('policy mistakes', () => {
  it.each(MISTAKES)('%s', (_name, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it.each(DNS)('names: %s', (_name, text, expected) => {
    expect(found(text, true)).toEqual(expected);
  });

  it('know the usual name server where none is declared', () => {
    const lines = CLUSTER.replace(/^pod kube-system.*$/m, '');
    const findings = createPolicyEngine(
      stateOf(lines, objects('np p: {podSelector: {}, policyTypes: [Egress]}')),
    ).findings();
    expect(findings.map(({ code }) => code)).toEqual(['DNS_BLOCKED']);
  });

  it('come with the verdict they explain, not with others', () => {
    const engine = createPolicyEngine(
      stateOf(CLUSTER, objects('np p: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], egress: []}')),
    );
    const codes = (text: string): readonly string[] => engine.evaluate(queryOf(text)).findings.map(({ code }) => code);
    expect(codes('x/web -> y/api:80/TCP')).toEqual(['IGNORED_SECTION']);
    expect(codes('x/db -> y/api:80/TCP')).toEqual([]);
  });

  it('are told in one sentence with the cure', () => {
    const [finding] = createPolicyEngine(
      stateOf(CLUSTER, objects('np p: {podSelector: {matchLabels: {app: Web}}}')),
    ).findings();
    expect(finding?.sentence).toBe(
      'policy x/p wants app=Web, which no pod of namespace x has; there is app=web: correct the label on one side',
    );
  });

  it('name a pod that reaches itself through its service', () => {
    const engine = createPolicyEngine(stateOf(CLUSTER, objects(`${SVC} ;; np p: {podSelector: {}}`)));
    const verdict = engine.ask({
      source: { kind: 'pod', namespace: 'x', name: 'web' },
      destination: { kind: 'service', namespace: 'x', name: 'web' },
      protocol: 'TCP',
      port: 80,
    });
    expect([verdict.verdict, verdict.findings.map(({ code }) => code)]).toEqual(['allowed', ['HAIRPIN']]);
  });
});
