import { createPolicyEngine } from './engine.js';
import { queryOf, shown, stateOf } from './policy-fixture.js';

const THREE_TIER = `
ns dev
ns qa
ns jtac project=jtac
node cent222 10.169.25.20
node cent333 10.169.25.21
pod dev/webserver-dev app=webserver-dev @10.47.255.234 on:cent222 port:http=80/TCP port:dns=53/UDP
pod dev/dbserver-dev app=dbserver-dev @10.47.255.233 on:cent333
pod dev/client1-dev app=client1-dev @10.47.255.232 on:cent333
pod dev/client2-dev app=client2-dev @10.47.255.231 on:cent222
pod qa/client-qa app=client1-dev @10.47.255.230 on:cent333
pod jtac/client-jtac app=client-jtac @10.47.255.229 on:cent333
`;

const POLICY1 = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: policy1, namespace: dev}
spec:
  podSelector: {matchLabels: {app: webserver-dev}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock: {cidr: 10.169.25.21/32}
    - namespaceSelector: {matchLabels: {project: jtac}}
    - podSelector: {matchLabels: {app: client1-dev}}
    ports: [{protocol: TCP, port: 80}]
  egress:
  - to: [{podSelector: {matchLabels: {app: dbserver-dev}}}]
    ports: [{protocol: TCP, port: 80}]
`;

describe('a policy between three tiers', () => {
  const engine = createPolicyEngine(stateOf(THREE_TIER, POLICY1));
  it.each([
    ['dev/client1-dev -> dev/webserver-dev:80/TCP', 'allowed | in dev/policy1[0]'],
    ['jtac/client-jtac -> dev/webserver-dev:80/TCP', 'allowed | in dev/policy1[0]'],
    ['10.169.25.21 -> dev/webserver-dev:80/TCP', 'allowed | in dev/policy1[0]'],
    ['node:cent333 -> dev/webserver-dev:80/TCP', 'allowed | in dev/policy1[0]'],
    ['node:cent222 -> dev/webserver-dev:80/TCP', 'allowed'],
    ['dev/client2-dev -> dev/webserver-dev:80/TCP', 'denied in | in !dev/policy1'],
    ['qa/client-qa -> dev/webserver-dev:80/TCP', 'denied in | in !dev/policy1'],
    ['203.0.113.9 -> dev/webserver-dev:80/TCP', 'denied in | in !dev/policy1'],
    ['dev/client1-dev -> dev/webserver-dev:8080/TCP', 'denied in | in !dev/policy1'],
    ['dev/client1-dev -> dev/webserver-dev:80/UDP', 'denied in | in !dev/policy1'],
    ['dev/client1-dev -> dev/webserver-dev ICMP', 'denied in | in !dev/policy1'],
    ['dev/webserver-dev -> dev/dbserver-dev:80/TCP', 'allowed | out dev/policy1[0]'],
    ['dev/webserver-dev -> dev/client1-dev:80/TCP', 'denied out | out !dev/policy1'],
    ['dev/webserver-dev -> 10.47.255.233:80/TCP', 'allowed | out dev/policy1[0]'],
    ['dev/webserver-dev -> dev/webserver-dev:9999/TCP', 'allowed'],
    ['dev/client2-dev -> dev/dbserver-dev:80/TCP', 'allowed'],
  ])('%s is %s', (query, expected) => {
    expect(shown(engine.evaluate(queryOf(query)))).toBe(expected);
  });

  it('tells the nearest miss as people would', () => {
    const verdict = engine.evaluate(queryOf('dev/client2-dev -> dev/webserver-dev:80/TCP'));
    expect(verdict.reason).toBe(
      'client2-dev -> webserver-dev:80/TCP is denied on ingress at webserver-dev: policy dev/policy1 isolates it; its closest rule, ingress[0].from[2], wants app=client1-dev, the client has app=client2-dev',
    );
    expect(verdict.ingress.misses[0]).toMatchObject({
      path: 'ingress[0].from[2]',
      failed: [
        {
          field: 'podSelector',
          path: 'ingress[0].from[2].podSelector.matchLabels.app',
          wanted: 'app=client1-dev',
          got: 'app=client2-dev',
        },
      ],
    });
  });

  it('gives the same verdict on the fast path, asked once and again', () => {
    const query = queryOf('dev/client2-dev -> dev/webserver-dev:80/TCP');
    expect([engine.verdict(query), engine.verdict(query)]).toEqual(['denied', 'denied']);
  });
});

const ISOLATED = `apiVersion: v1
kind: Namespace
metadata: {name: dev, annotations: {net.beta.kubernetes.io/network-policy: '{"ingress":{"isolation":"DefaultDeny"}}'}}
`;

function beta(spec: string): string {
  return `---\napiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: old, namespace: dev}\nspec: ${spec}\n`;
}

describe('the beta annotation of namespaces', () => {
  const lines = THREE_TIER.replace('ns dev\n', '');
  const judged = (yaml: string, query: string): string =>
    shown(createPolicyEngine(stateOf(lines, yaml)).evaluate(queryOf(query)));
  const QUERY = 'dev/client2-dev -> dev/webserver-dev:80/TCP';
  it.each([
    ['isolates every pod for ingress', ISOLATED, 'denied in | in !namespace:dev'],
    ['is not there with another value', ISOLATED.replace('DefaultDeny', 'Open'), 'allowed'],
    ['is not there when it is no JSON', ISOLATED.replace('{"ingress"', '{ingress'), 'allowed'],
    [
      'leaves the isolation to the policies that select',
      ISOLATED + beta('{podSelector: {}}'),
      'denied in | in !dev/old',
    ],
    [
      'lets policies admit',
      ISOLATED + beta('{podSelector: {}, ingress: [{ports: [{port: 80}]}]}'),
      'allowed | in dev/old[0]',
    ],
    ['makes a missing from anybody', ISOLATED + beta('{podSelector: {}, ingress: [{}]}'), 'allowed | in dev/old[0]'],
    [
      'makes an empty from nobody',
      ISOLATED + beta('{podSelector: {}, ingress: [{from: []}]}'),
      'denied in | in !dev/old',
    ],
    ['makes empty ports none', ISOLATED + beta('{podSelector: {}, ingress: [{ports: []}]}'), 'denied in | in !dev/old'],
    [
      'makes no difference to policies of v1',
      ISOLATED + beta('{podSelector: {}, ingress: [{from: []}]}').replace('extensions/v1beta1', 'networking.k8s.io/v1'),
      'allowed | in dev/old[0]',
    ],
    ['is not needed for extensions/v1beta1 to isolate', beta('{podSelector: {}}'), 'denied in | in !dev/old'],
    [
      'is not needed for an empty from of v1beta1 to be anybody',
      beta('{podSelector: {}, ingress: [{from: []}]}'),
      'allowed | in dev/old[0]',
    ],
  ])('%s', (_name, yaml, expected) => {
    expect(judged(yaml, QUERY)).toBe(expected);
  });

  it('leaves egress open', () => {
    expect(judged(ISOLATED, 'dev/client2-dev -> qa/client-qa:80/TCP')).toBe('allowed');
  });
});

describe('what is taken for granted', () => {
  const assumptions = (lines: string, yaml: string, query: string): readonly string[] =>
    createPolicyEngine(stateOf(lines, yaml)).evaluate(queryOf(query)).ingress.assumptions;

  it('is named: a pod whose node is not known', () => {
    const lines = 'node n1 10.0.0.1\npod dev/webserver-dev app=webserver-dev';
    expect(assumptions(lines, POLICY1, 'node:n1 -> dev/webserver-dev:81/TCP')).toEqual([
      'webserver-dev is taken to run on another node than node n1',
    ]);
  });

  it('is named: a tier that nothing declares', () => {
    const yaml =
      'apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: far.p}\nspec: {tier: far, types: [Ingress]}';
    expect(assumptions('pod dev/a app=a', yaml, '8.8.8.8 -> dev/a:81/TCP')).toEqual([
      'tier far is declared nowhere and taken to come last',
    ]);
  });
});
