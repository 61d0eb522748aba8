import { createPolicyEngine } from './engine.js';
import { queryOf, shown, stateOf } from './policy-fixture.js';

const CLUSTER = `
ns x ns=x
ns y ns=y team=blue
ns z ns=z team=blue
node n1 192.168.0.1 zone=a
node n2 192.168.0.2 zone=b
pod x/a pod=a @10.0.0.1 on:n1 port:web=80/TCP port:dns=53/UDP port:dns-tcp=53/TCP
pod x/b pod=b @10.0.0.2 on:n2 port:web=8080/TCP
pod y/a pod=a @10.0.1.1 on:n1
pod y/b pod=b @10.0.1.2 on:n2
pod z/a pod=a @10.0.2.1 on:n2
pod z/lost pod=lost
pod z/host pod=host @192.168.0.2 on:n2 host
`;

const GROUP = 'policy.networking.k8s.io';

/** `anp 10 name: spec`, `banp: spec`, `admin 10 name: spec`, `baseline 10 name: spec`, `np x/name: spec`. */
function policies(text: string): string {
  return text
    .split(' ;; ')
    .map((one) => {
      const [, kind = '', priority = '', name = 'default', spec = ''] =
        /^(\w+) ?(\d*) ?([a-z0-9/-]*): (.*)$/s.exec(one.trim()) ?? [];
      const inner = spec.slice(1, -1);
      const object = (api: string, what: string, meta: string, extra: string): string =>
        `apiVersion: ${api}\nkind: ${what}\nmetadata: {${meta}}\nspec: {${extra}${inner}}`;
      switch (kind) {
        case 'anp':
          return object(`${GROUP}/v1alpha1`, 'AdminNetworkPolicy', `name: ${name}`, `priority: ${priority}, `);
        case 'banp':
          return object(`${GROUP}/v1alpha1`, 'BaselineAdminNetworkPolicy', 'name: default', '');
        case 'admin':
        case 'baseline':
          return object(
            `${GROUP}/v1alpha2`,
            'ClusterNetworkPolicy',
            `name: ${name}`,
            `tier: ${kind === 'admin' ? 'Admin' : 'Baseline'}, priority: ${priority}, `,
          );
        default: {
          const [namespace = '', own = ''] = name.split('/');
          return object('networking.k8s.io/v1', 'NetworkPolicy', `name: ${own}, namespace: ${namespace}`, '');
        }
      }
    })
    .join('\n---\n');
}

function judged(text: string, query: string): string {
  return shown(createPolicyEngine(stateOf(CLUSTER, policies(text))).evaluate(queryOf(query)));
}

const X = 'subject: {namespaces: {matchLabels: {ns: x}}}';
const FROM_Y = 'from: [{namespaces: {matchLabels: {ns: y}}}]';
const FROM_ALL = 'from: [{namespaces: {}}]';
const TO_ALL = 'to: [{namespaces: {}}]';

const CASES: readonly (readonly [string, string, string, string])[] = [
  [
    'ANP: Allow',
    `anp 10 p: {${X}, ingress: [{action: Allow, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:p[0]',
  ],
  [
    'ANP: Deny',
    `anp 10 p: {${X}, ingress: [{action: Deny, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:p[0]',
  ],
  [
    'ANP: no rule matches, nothing is isolated',
    `anp 10 p: {${X}, ingress: [{action: Deny, ${FROM_Y}}]}`,
    'z/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'ANP: an outside address matches no ingress peer',
    `anp 10 p: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'allowed',
  ],
  [
    'ANP: Deny on egress',
    `anp 10 p: {${X}, egress: [{action: Deny, to: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {pod: b}}}}]}]}`,
    'x/a -> y/b:80/TCP',
    'denied out | out anp:p[0]',
  ],
  [
    'ANP: the first rule that matches decides',
    `anp 10 p: {${X}, ingress: [{action: Allow, ${FROM_Y}}, {action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:p[0]',
  ],
  [
    'ANP: the second where the first does not match',
    `anp 10 p: {${X}, ingress: [{action: Allow, ${FROM_Y}}, {action: Deny, ${FROM_ALL}}]}`,
    'z/a -> x/a:80/TCP',
    'denied in | in anp:p[1]',
  ],
  [
    'ANP: lower priority number first',
    `anp 10 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; anp 5 b: {${X}, ingress: [{action: Allow, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:b[0]',
  ],
  [
    'ANP: priorities are numbers, not texts',
    `anp 10 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; anp 9 b: {${X}, ingress: [{action: Allow, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:b[0]',
  ],
  [
    'ANP: priority 0 is first',
    `anp 1 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; anp 0 b: {${X}, ingress: [{action: Allow, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:b[0]',
  ],
  [
    'ANP: equal priority, same answer',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; anp 5 b: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:a[0] anp:b[0]',
  ],
  [
    'ANP: equal priority, different answers are undefined',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; anp 5 b: {${X}, ingress: [{action: Allow, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'unknown | in ?which of a and b comes first: their priority is equal',
  ],
  [
    'ANP: equal priority, only one matches',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; anp 5 b: {${X}, ingress: [{action: Allow, ${FROM_Y}, ports: [{portNumber: {port: 81}}]}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: equal priority, different actions, one outcome',
    `anp 5 a: {${X}, ingress: [{action: Pass, ${FROM_Y}}]} ;; anp 5 b: {${X}, ingress: [{action: Allow, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:b[0]',
  ],
  [
    'ANP: Pass goes to the NetworkPolicies',
    `anp 5 a: {${X}, ingress: [{action: Pass, ${FROM_Y}}]} ;; anp 6 b: {${X}, ingress: [{action: Allow, ${FROM_Y}}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p',
  ],
  [
    'ANP: Pass and no NetworkPolicy',
    `anp 5 a: {${X}, ingress: [{action: Pass, ${FROM_Y}}]} ;; anp 6 b: {${X}, ingress: [{action: Deny, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'ANP: Allow goes before NetworkPolicies',
    `anp 5 a: {${X}, ingress: [{action: Allow, ${FROM_Y}}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:a[0]',
  ],
  [
    'ANP: Deny goes before NetworkPolicies',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; np x/p: {podSelector: {}, ingress: [{}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: what it does not match goes to NetworkPolicies',
    `anp 5 a: {${X}, ingress: [{action: Allow, ${FROM_Y}}]} ;; np x/p: {podSelector: {}}`,
    'z/a -> x/a:80/TCP',
    'denied in | in !x/p',
  ],
  [
    'ANP: the subject is both selectors',
    `anp 5 a: {subject: {pods: {namespaceSelector: {matchLabels: {ns: x}}, podSelector: {matchLabels: {pod: a}}}}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/b:80/TCP',
    'allowed',
  ],
  [
    'ANP: subject namespaces {} is every pod',
    `anp 5 a: {subject: {namespaces: {}}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> z/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: host-network pods are no subjects',
    `anp 5 a: {subject: {namespaces: {}}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> z/host:80/TCP',
    'allowed',
  ],
  [
    'ANP: host-network pods are no pod peers',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'z/host -> x/a:80/TCP',
    'allowed',
  ],
  [
    'ANP: own namespace is among namespaces',
    `anp 5 a: {${X}, ingress: [{action: Deny, from: [{namespaces: {matchLabels: {ns: x}}}]}]}`,
    'x/b -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: an expression on namespaces',
    `anp 5 a: {${X}, ingress: [{action: Deny, from: [{namespaces: {matchExpressions: [{key: ns, operator: NotIn, values: [y]}]}}]}]}`,
    'z/a -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: portNumber',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{portNumber: {protocol: TCP, port: 80}}]}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: portNumber of another protocol',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{portNumber: {protocol: UDP, port: 80}}]}]}`,
    'y/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'ANP: portNumber is TCP by default',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{portNumber: {port: 80}}]}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: portRange, its end',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{portRange: {protocol: TCP, start: 80, end: 90}}]}]}`,
    'y/a -> x/a:90/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: portRange, behind it',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{portRange: {protocol: TCP, start: 80, end: 90}}]}]}`,
    'y/a -> x/a:91/TCP',
    'allowed',
  ],
  [
    'ANP: namedPort at the subject',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{namedPort: web}]}]}`,
    'y/a -> x/b:8080/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: namedPort has the protocol of the pod',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{namedPort: dns}]}]}`,
    'y/a -> x/a:53/UDP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: namedPort, other number',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{namedPort: web}]}]}`,
    'y/a -> x/b:80/TCP',
    'allowed',
  ],
  [
    'ANP: no ports is every protocol, ICMP too',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a ICMP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: ports never match ICMP',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, ports: [{portRange: {start: 1, end: 65535}}]}]}`,
    'y/a -> x/a ICMP',
    'allowed',
  ],
  [
    'ANP: networks',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{networks: [8.0.0.0/8, 9.0.0.0/8]}]}]}`,
    'x/a -> 9.9.9.9:53/UDP',
    'denied out | out anp:a[0]',
  ],
  [
    'ANP: networks match pods by their address',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{networks: [10.0.1.0/24]}]}]}`,
    'x/a -> y/a:53/UDP',
    'denied out | out anp:a[0]',
  ],
  [
    'ANP: networks and an address that is not known',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{networks: [10.0.1.0/24]}]}]}`,
    'x/a -> z/lost:53/UDP',
    'unknown | out ?the address of lost',
  ],
  [
    'ANP: an unknown address that makes no difference',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{networks: [10.0.1.0/24]}]}, {action: Deny, ${TO_ALL}}]}`,
    'x/a -> z/lost:53/UDP',
    'denied out | out anp:a[1]',
  ],
  [
    'ANP: nodes by label',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {matchLabels: {zone: b}}}]}]}`,
    'x/a -> 192.168.0.2:53/UDP',
    'denied out | out anp:a[0]',
  ],
  [
    'ANP: nodes by label, another node',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {matchLabels: {zone: c}}}]}]}`,
    'x/a -> 192.168.0.2:53/UDP',
    'allowed',
  ],
  [
    'ANP: nodes are no pods',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {}}]}]}`,
    'x/a -> y/b:53/UDP',
    'allowed',
  ],
  [
    'ANP: a host-network pod is its node',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {matchLabels: {zone: b}}}]}]}`,
    'x/a -> z/host:53/UDP',
    'denied out | out anp:a[0]',
  ],
  [
    'ANP: nodes are no outside addresses',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {}}]}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'allowed',
  ],
  [
    'ANP: domain names are not known',
    `anp 5 a: {${X}, egress: [{action: Allow, to: [{domainNames: ["*.example.com"]}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'unknown | out ?whether *.example.com resolves to 8.8.8.8',
  ],
  [
    'ANP: domain names that make no difference',
    `anp 5 a: {${X}, egress: [{action: Allow, to: [{domainNames: [example.com]}]}]}`,
    'x/a -> 8.8.8.8:53/UDP',
    'allowed',
  ],
  [
    'ANP: domain names are no pods',
    `anp 5 a: {${X}, egress: [{action: Allow, to: [{domainNames: [example.com]}]}, {action: Deny, ${TO_ALL}}]}`,
    'x/a -> y/a:53/UDP',
    'denied out | out anp:a[1]',
  ],
  [
    'ANP: an unknown peer fails closed: Allow matches nothing',
    `anp 5 a: {${X}, ingress: [{action: Allow, from: [{planets: {}}]}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p',
  ],
  [
    'ANP: an unknown peer fails closed: Deny denies everything',
    `anp 5 a: {${X}, ingress: [{action: Deny, from: [{planets: {}}]}]}`,
    '8.8.8.8 -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: an unknown peer fails closed: Pass denies everything',
    `anp 5 a: {${X}, ingress: [{action: Pass, from: [{planets: {}}]}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'ANP: an unknown port fails closed',
    `anp 5 a: {${X}, ingress: [{action: Deny, ${FROM_Y}, ports: [{portWish: 80}]}]}`,
    'z/a -> x/a:81/TCP',
    'denied in | in anp:a[0]',
  ],
  [
    'BANP: Deny where no NetworkPolicy isolates',
    `banp: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in banp:default[0]',
  ],
  [
    'BANP: Allow before Deny',
    `banp: {${X}, ingress: [{action: Allow, ${FROM_Y}}, {action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in banp:default[0]',
  ],
  [
    'BANP: not asked where a NetworkPolicy admits',
    `banp: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]} ;; np x/p: {podSelector: {}, ingress: [{}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in x/p[0]',
  ],
  [
    'BANP: not asked where a NetworkPolicy isolates',
    `banp: {${X}, ingress: [{action: Allow, ${FROM_ALL}}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p',
  ],
  [
    'BANP: asked in the direction that is not isolated',
    `banp: {${X}, egress: [{action: Deny, ${TO_ALL}}]} ;; np x/p: {podSelector: {}}`,
    'x/a -> y/a:80/TCP',
    'denied out | out banp:default[0]',
  ],
  [
    'BANP: after an ANP passes',
    `anp 1 a: {${X}, ingress: [{action: Pass, ${FROM_ALL}}]} ;; banp: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in banp:default[0]',
  ],
  [
    'BANP: not asked after an ANP allows',
    `anp 1 a: {${X}, ingress: [{action: Allow, ${FROM_ALL}}]} ;; banp: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in anp:a[0]',
  ],
  [
    'CNP: Accept',
    `admin 1 a: {${X}, ingress: [{action: Accept, ${FROM_Y}}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'allowed | in cnp:a[0]',
  ],
  [
    'CNP: Deny',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; np x/p: {podSelector: {}, ingress: [{}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in cnp:a[0]',
  ],
  [
    'CNP: Pass in Admin goes to NetworkPolicies',
    `admin 1 a: {${X}, ingress: [{action: Pass, ${FROM_Y}}]} ;; admin 2 b: {${X}, ingress: [{action: Accept, ${FROM_Y}}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p',
  ],
  [
    'CNP: Baseline after NetworkPolicies',
    `baseline 1 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in cnp:a[0]',
  ],
  [
    'CNP: Baseline is not asked for isolated pods',
    `baseline 1 a: {${X}, ingress: [{action: Accept, ${FROM_Y}}]} ;; np x/p: {podSelector: {}}`,
    'y/a -> x/a:80/TCP',
    'denied in | in !x/p',
  ],
  [
    'CNP: Pass in Baseline is the default: allowed',
    `baseline 1 a: {${X}, ingress: [{action: Pass, ${FROM_Y}}]} ;; baseline 2 b: {${X}, ingress: [{action: Deny, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed',
  ],
  [
    'CNP: priority within the tier',
    `admin 7 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; admin 3 b: {${X}, ingress: [{action: Accept, ${FROM_Y}}]} ;; baseline 1 c: {${X}, ingress: [{action: Deny, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'allowed | in cnp:b[0]',
  ],
  [
    'CNP: tcp with a number',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, protocols: [{tcp: {destinationPort: {number: 80}}}]}]}`,
    'y/a -> x/a:80/TCP',
    'denied in | in cnp:a[0]',
  ],
  [
    'CNP: udp with a range',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, protocols: [{udp: {destinationPort: {range: {start: 50, end: 60}}}}]}]}`,
    'y/a -> x/a:53/UDP',
    'denied in | in cnp:a[0]',
  ],
  [
    'CNP: a protocol without port is all of its ports',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, protocols: [{sctp: {}}]}]}`,
    'y/a -> x/a:53/SCTP',
    'denied in | in cnp:a[0]',
  ],
  [
    'CNP: a protocol that is not listed',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, protocols: [{sctp: {}}]}]}`,
    'y/a -> x/a:53/TCP',
    'allowed',
  ],
  [
    'CNP: destinationNamedPort',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}, protocols: [{destinationNamedPort: web}]}]}`,
    'y/a -> x/b:8080/TCP',
    'denied in | in cnp:a[0]',
  ],
  [
    'CNP: networks',
    `admin 1 a: {${X}, egress: [{action: Deny, to: [{networks: ["2001:db8::/32"]}]}]}`,
    'x/a -> [2001:db8::8]:53/UDP',
    'denied out | out cnp:a[0]',
  ],
  [
    'CNP: equal priorities that differ',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_Y}}]} ;; admin 1 b: {${X}, ingress: [{action: Accept, ${FROM_Y}}]}`,
    'y/a -> x/a:80/TCP',
    'unknown | in ?which of a and b comes first: their priority is equal',
  ],
  [
    'CNP: rules of one direction leave the other',
    `admin 1 a: {${X}, ingress: [{action: Deny, ${FROM_ALL}}]}`,
    'x/a -> y/a:80/TCP',
    'allowed',
  ],
  [
    'ANP: towards the own node, NetworkPolicies do not count',
    `anp 5 a: {${X}, egress: [{action: Pass, to: [{nodes: {}}]}]} ;; np x/p: {podSelector: {}, policyTypes: [Egress]}`,
    'x/a -> 192.168.0.1:10250/TCP',
    'allowed',
  ],
  [
    'ANP: towards the own node, its own rules do',
    `anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {}}]}]}`,
    'x/a -> 192.168.0.1:10250/TCP',
    'denied out | out anp:a[0]',
  ],
];

describe('AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy', () => {
  it.each(CASES)('%s', (_name, text, query, expected) => {
    expect(judged(text, query)).toBe(expected);
  });

  it('knows no node by its address where no node is declared', () => {
    const lines = CLUSTER.replaceAll(/^node.*$/gm, '');
    const text = policies(`anp 5 a: {${X}, egress: [{action: Deny, to: [{nodes: {}}]}]}`);
    const verdict = createPolicyEngine(stateOf(lines, text)).evaluate(queryOf('x/a -> 8.8.8.8:53/UDP'));
    expect(shown(verdict)).toBe('unknown | out ?the labels of the node at 8.8.8.8');
  });
});
