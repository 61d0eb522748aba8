import { clusterStateOf, type ClusterState, type KubernetesObject, type PolicyFix } from '@whydrop/model';
import { parse } from 'yaml';
import { createPolicyEngine } from '../engine.js';
import { objectsOf, objectsOfLines, queryOf } from '../policy-fixture.js';
import { proposeFix } from './propose.js';

const CLUSTER = `
ns dev
ns qa
pod dev/web app=web pod-template-hash=abc @10.0.0.1
pod dev/client1 app=client1 @10.0.0.2
pod dev/client2 app=client2 @10.0.0.3
pod qa/client app=client @10.0.1.1
`;

interface Operation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

/** RFC 6902 `add`, as kubectl applies it. */
function apply(target: unknown, { path, value }: Operation): void {
  const keys = path.split('/').slice(1);
  const last = keys.pop() ?? '';
  let at = target as Record<string, unknown>;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (!Array.isArray(at)) at[last] = value;
  else if (last === '-') at.push(value);
  else at.splice(Number(last), 0, value);
}

function applied(objects: readonly KubernetesObject[], fix: PolicyFix): readonly KubernetesObject[] {
  const read: unknown = parse(fix.patch);
  if (!Array.isArray(read)) return [...objects, read as KubernetesObject];
  const copy = structuredClone(objects);
  const target = copy.find(({ kind, metadata }) => kind.endsWith('Policy') && metadata.name === fix.policy?.name);
  for (const operation of read as Operation[]) apply(target, operation);
  return copy;
}

function np(spec: string, name = 'p', namespace = 'dev'): string {
  return `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
}

const CALICO = 'apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: c, namespace: dev}\n';
const ONLY_CLIENT1 =
  '{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: client1}}}], ports: [{port: 80}]}]}';

/** Labels that are absent, or differ by their case or one letter. */
describe('a label', () => {
  const fixOf = (labels: string): PolicyFix | undefined => {
    const cluster = `ns dev\npod dev/web app=web @10.0.0.1\npod dev/client ${labels} @10.0.0.2\n`;
    const policy = np(
      '{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: frontend}}}]}]}',
    );
    const objects = [...objectsOfLines(cluster), ...objectsOf(policy)];
    return proposeFix(clusterStateOf(objects), queryOf('dev/client -> dev/web:80/TCP'))[0];
  };

  it.each(['app=Frontend', 'app=frontent', 'tier=x'])('%s is put right', (labels) => {
    const fix = fixOf(labels);
    expect(fix?.policy).toBeUndefined();
    expect(fix?.patch).toBe('# Pod dev/client\n- op: add\n  path: /metadata/labels/app\n  value: frontend\n');
    expect(fix?.sentence).toMatch(/^the label app=frontend on Pod dev\/client admits it/);
  });

  it.each(['app=backend', 'app=frontend2'])('%s is another workload: a rule is added', (labels) => {
    expect(fixOf(labels)?.policy?.name).toBe('p');
  });
});

/** name, policies, connection, the paths that the patches add to, what else is admitted */
const CASES: readonly (readonly [string, string, string, readonly string[], readonly string[]])[] = [
  [
    'one more peer for the rule that came closest',
    np(ONLY_CLIENT1),
    'dev/client2 -> dev/web:80/TCP',
    ['/spec/ingress/0/from/-'],
    [],
  ],
  ['a peer of another namespace', np(ONLY_CLIENT1), 'qa/client -> dev/web:80/TCP', ['/spec/ingress/0/from/-'], []],
  ['an address', np(ONLY_CLIENT1), '203.0.113.7 -> dev/web:80/TCP', ['/spec/ingress/0/from/-'], []],
  [
    'one more port for the rule that came closest',
    np(ONLY_CLIENT1),
    'dev/client1 -> dev/web:8080/TCP',
    ['/spec/ingress/0/ports/-'],
    [],
  ],
  ['ICMP: a rule of its own', np(ONLY_CLIENT1), 'dev/client1 -> dev/web ICMP', ['/spec/ingress/-'], []],
  [
    'a default deny without rules',
    np('{podSelector: {}}'),
    'dev/client1 -> dev/web:80/TCP',
    ['/spec/ingress'],
    ['dev/client1 -> dev/client2'],
  ],
  [
    'egress',
    np('{podSelector: {matchLabels: {app: client1}}, policyTypes: [Egress]}'),
    'dev/client1 -> dev/web:80/TCP',
    ['/spec/egress'],
    [],
  ],
  [
    'both sides, one change each',
    `${np('{podSelector: {matchLabels: {app: client1}}, policyTypes: [Egress]}', 'out')}---\n${np('{podSelector: {matchLabels: {app: web}}}', 'in')}`,
    'dev/client1 -> dev/web:80/TCP',
    ['/spec/egress', '/spec/ingress'],
    [],
  ],
  [
    'an isolated namespace: a policy',
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: dev, annotations: {net.beta.kubernetes.io/network-policy: \'{"ingress":{"isolation":"DefaultDeny"}}\'}}',
    'dev/client1 -> dev/web:80/TCP',
    [],
    [],
  ],
  [
    'Calico: a rule behind the last',
    `${CALICO}spec: {selector: app == 'web', types: [Ingress], ingress: [{action: Allow, protocol: UDP}]}`,
    'dev/client2 -> dev/web:80/TCP',
    ['/spec/ingress/-'],
    [],
  ],
  [
    'Calico: a rule before the one that denies',
    `${CALICO}spec: {selector: app == 'web', types: [Ingress], ingress: [{action: Allow, protocol: UDP}, {action: Deny}]}`,
    'dev/client2 -> dev/web:80/TCP',
    ['/spec/ingress/1'],
    [],
  ],
  [
    'ANP: a rule before the one that denies',
    'apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: a}\nspec: {priority: 1, subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}',
    'dev/client2 -> dev/web:80/TCP',
    ['/spec/ingress/0'],
    [],
  ],
];

function state(objects: readonly KubernetesObject[]): ClusterState {
  return clusterStateOf(objects);
}

describe('a fix', () => {
  it.each(CASES)('%s', (_name, yaml, text, paths, also) => {
    const objects = [
      ...objectsOfLines(CLUSTER).filter(
        ({ kind, metadata }) => !(kind === 'Namespace' && yaml.includes('kind: Namespace') && metadata.name === 'dev'),
      ),
      ...objectsOf(yaml),
    ];
    const query = queryOf(text);
    const fixes = proposeFix(state(objects), query);
    const written = fixes.flatMap((fix) => {
      const patch: unknown = parse(fix.patch);
      return Array.isArray(patch) ? (patch as Operation[]).map(({ path }) => path) : [];
    });
    expect(written).toEqual(paths);
    const after = fixes.reduce<readonly KubernetesObject[]>((all, fix) => applied(all, fix), objects);
    expect(createPolicyEngine(state(after)).verdict(query)).toBe('allowed');
    expect(
      fixes.flatMap((fix) => fix.alsoAdmits.map(({ source, destination }) => `${source} -> ${destination}`)),
    ).toEqual(also);
  });

  it('is not offered for what is allowed', () => {
    expect(proposeFix(state(objectsOfLines(CLUSTER)), queryOf('dev/client1 -> dev/web:80/TCP'))).toEqual([]);
  });

  it('leaves out labels that a rollout changes', () => {
    const objects = [...objectsOfLines(CLUSTER), ...objectsOf(np('{podSelector: {matchLabels: {app: client1}}}'))];
    const [fix] = proposeFix(state(objects), queryOf('dev/web -> dev/client1:80/TCP'));
    expect(fix?.patch).toContain('app: web');
    expect(fix?.patch).not.toContain('pod-template-hash');
  });

  it('reads like a change that one can apply', () => {
    const objects = [...objectsOfLines(CLUSTER), ...objectsOf(np(ONLY_CLIENT1))];
    const [fix] = proposeFix(state(objects), queryOf('dev/client2 -> dev/web:80/TCP'));
    expect(fix?.patch).toBe(
      '# NetworkPolicy dev/p\n- op: add\n  path: /spec/ingress/0/from/-\n  value:\n    podSelector:\n      matchLabels:\n        app: client2\n',
    );
    expect(fix?.sentence).toBe(
      'one more peer for ingress[0] of policy dev/p admits it; it would newly admit no other pair of known workloads',
    );
  });
});
