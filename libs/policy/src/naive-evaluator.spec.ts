import { clusterStateOf, type ConnectionEnd, type DirectionVerdict, type KubernetesObject } from '@whydrop/model';
import fc from 'fast-check';
import { createPolicyEngine } from './engine.js';
import { naiveVerdict, type NaiveCluster, type NaiveEnd, type NaivePod } from './naive-evaluator.js';

const NAMESPACES = ['x', 'y', 'z'];
const label = fc.record(
  { app: fc.constantFrom('a', 'b', 'c'), role: fc.constantFrom('web', 'db') },
  { requiredKeys: [] },
);
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const cidr = fc.constantFrom(
  '10.0.0.0/8',
  '10.0.0.0/30',
  '10.0.0.4/31',
  '10.0.0.2/32',
  '0.0.0.0/0',
  '8.0.0.0/8',
  '8.8.8.8/32',
);
const number = fc.constantFrom(80, 81, 90, 443);

const selector = fc.record(
  {
    matchLabels: label,
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: fc.constantFrom('app', 'role'),
          operator: fc.constantFrom('In', 'NotIn'),
          values: fc.constantFrom(['a'], ['a', 'b'], ['web']),
        }),
        fc.record({ key: fc.constantFrom('app', 'role'), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const spaceSelector = fc.oneof(
  selector,
  fc.constant({}),
  fc.constantFrom(...NAMESPACES).map((name) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } })),
);

const port = fc.oneof(
  fc.record({ protocol, port: number }, { requiredKeys: [] }),
  fc.record({ protocol, port: fc.constant(80), endPort: fc.constant(90) }, { requiredKeys: ['port', 'endPort'] }),
  fc.record({ protocol, port: fc.constantFrom('http', 'dns') }, { requiredKeys: ['port'] }),
);
const peer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: spaceSelector }),
  fc.record({ podSelector: selector, namespaceSelector: spaceSelector }),
  fc.record({ ipBlock: fc.record({ cidr, except: fc.array(cidr, { maxLength: 2 }) }, { requiredKeys: ['cidr'] }) }),
);
const rule = (key: 'from' | 'to') =>
  fc.record({ [key]: fc.array(peer, { maxLength: 3 }), ports: fc.array(port, { maxLength: 2 }) }, { requiredKeys: [] });
const types = fc.constantFrom([], ['Ingress'], ['Egress'], ['Ingress', 'Egress']);

const networkPolicy = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  spec: fc.record(
    {
      podSelector: selector,
      policyTypes: types,
      ingress: fc.array(rule('from'), { maxLength: 3 }),
      egress: fc.array(rule('to'), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
});

const subject = fc.oneof(
  fc.record({ namespaces: spaceSelector }),
  fc.record({ pods: fc.record({ namespaceSelector: spaceSelector, podSelector: selector }) }),
);
const clusterPort = fc.oneof(
  fc.record({ portNumber: fc.record({ protocol, port: number }) }),
  fc.record({ portRange: fc.record({ protocol, start: fc.constant(80), end: fc.constant(90) }) }),
  fc.record({ namedPort: fc.constantFrom('http', 'dns') }),
);
const clusterRule = (key: 'from' | 'to', actions: readonly string[]) =>
  fc.record(
    {
      action: fc.constantFrom(...actions),
      [key]: fc.array(
        key === 'to'
          ? fc.oneof(subject, fc.record({ networks: fc.array(cidr, { minLength: 1, maxLength: 2 }) }))
          : subject,
        { minLength: 1, maxLength: 2 },
      ),
      ports: fc.array(clusterPort, { maxLength: 2 }),
    },
    { requiredKeys: ['action', key] as never },
  );
const clusterPolicy = (actions: readonly string[]) =>
  fc.record({
    subject,
    ingress: fc.array(clusterRule('from', actions), { maxLength: 3 }),
    egress: fc.array(clusterRule('to', actions), { maxLength: 3 }),
  });

const term = fc.oneof(
  fc
    .tuple(fc.constantFrom('app', 'role'), fc.constantFrom('==', '!='), fc.constantFrom('a', 'b', 'web'))
    .map(([k, o, v]) => `${k} ${o} '${v}'`),
  fc.tuple(fc.constantFrom('', '!'), fc.constantFrom('app', 'role')).map(([n, k]) => `${n}has(${k})`),
);
const calicoSelector = fc.oneof(
  fc.constant('all()'),
  fc.array(term, { minLength: 1, maxLength: 2 }).map((terms) => terms.join(' && ')),
);
const entity = fc.record(
  {
    selector: calicoSelector,
    namespaceSelector: calicoSelector,
    nets: fc.array(cidr, { minLength: 1, maxLength: 2 }),
    notNets: fc.array(cidr, { minLength: 1, maxLength: 1 }),
  },
  { requiredKeys: [] },
);
const calicoRule = fc
  .record(
    {
      action: fc.constantFrom('Allow', 'Deny', 'Log', 'Pass'),
      protocol,
      source: entity,
      destination: entity,
      ports: fc.array(fc.constantFrom(80, '80:90', 'http'), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: ['action'] },
  )
  // Ports need a protocol.
  .map(({ ports, ...rest }) =>
    ports && rest.protocol ? { ...rest, destination: { ...rest.destination, ports } } : rest,
  );
const calicoPolicy = fc.record({
  global: fc.boolean(),
  namespace: fc.constantFrom(...NAMESPACES),
  spec: fc.record(
    {
      tier: fc.constantFrom('default', 'first', 'last'),
      selector: calicoSelector,
      types: fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      ingress: fc.array(calicoRule, { maxLength: 3 }),
      egress: fc.array(calicoRule, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
});

const ANP = 'policy.networking.k8s.io/v1alpha1';
const CALICO = 'projectcalico.org/v3';
const TIERS = [
  { apiVersion: CALICO, kind: 'Tier', metadata: { name: 'first' }, spec: { order: 10_000 } },
  { apiVersion: CALICO, kind: 'Tier', metadata: { name: 'last' }, spec: { order: 5_000_000 } },
];

const pods = fc
  .array(fc.record({ namespace: fc.constantFrom(...NAMESPACES), labels: label, http: fc.constantFrom(80, 81) }), {
    minLength: 2,
    maxLength: 5,
  })
  .map((all) =>
    all.map(({ namespace, labels, http }, i): NaivePod => ({
      namespace,
      name: `p${i}`,
      labels,
      ip: `10.0.0.${i + 1}`,
      ports: [
        { name: 'http', port: http, protocol: 'TCP' },
        { name: 'dns', port: 443, protocol: 'UDP' },
      ],
    })),
  );

/** Kubernetes kinds alone, Calico alone, or everything in one cluster. */
function cluster(kubernetes: number, admin: number, calico: number): fc.Arbitrary<NaiveCluster> {
  return fc
    .record({
      spaces: fc.tuple(label, label, label),
      pods,
      knps: fc.array(networkPolicy, { maxLength: kubernetes }),
      anps: fc.array(clusterPolicy(['Allow', 'Deny', 'Pass']), { maxLength: admin }),
      banp: fc.array(clusterPolicy(['Allow', 'Deny']), { maxLength: Math.min(admin, 1) }),
      calicos: fc.array(calicoPolicy, { maxLength: calico }),
    })
    .map(({ spaces, knps, anps, banp, calicos, pods: all }) => ({
      namespaces: Object.fromEntries(
        NAMESPACES.map((name, i) => [name, { ...spaces[i], 'kubernetes.io/metadata.name': name }]),
      ),
      pods: all,
      policies: [
        ...knps.map(({ namespace, spec }, i) => ({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: `k${i}`, namespace },
          spec,
        })),
        ...anps.map((spec, i) => ({
          apiVersion: ANP,
          kind: 'AdminNetworkPolicy',
          metadata: { name: `a${i}` },
          spec: { priority: 10 - i, ...spec },
        })),
        ...banp.map((spec) => ({
          apiVersion: ANP,
          kind: 'BaselineAdminNetworkPolicy',
          metadata: { name: 'default' },
          spec,
        })),
        ...calicos.map(({ global, namespace, spec }, i) => ({
          apiVersion: CALICO,
          kind: global ? 'GlobalNetworkPolicy' : 'NetworkPolicy',
          metadata: global ? { name: `c${i}` } : { name: `c${i}`, namespace },
          // Different orders before and behind those of Kubernetes policies.
          spec: { ...spec, order: (i % 2 === 0 ? 500 : 1500) + i },
        })),
        ...(calico > 0 ? TIERS : []),
      ],
    }));
}

function objectsOf({ namespaces, pods: all, policies }: NaiveCluster): readonly KubernetesObject[] {
  return [
    ...Object.entries(namespaces).map(([name, labels]) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    })),
    ...all.map(({ namespace, name, labels, ip, ports }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: {
        containers: [{ ports: ports.map((p) => ({ name: p.name, containerPort: p.port, protocol: p.protocol })) }],
      },
      status: { podIP: ip },
    })),
    ...(policies as readonly KubernetesObject[]),
  ];
}

function connectionEnd(end: NaiveEnd): ConnectionEnd {
  return 'name' in end ? { kind: 'pod', namespace: end.namespace, name: end.name } : { kind: 'address', ip: end.ip };
}

const KIND: Readonly<Record<string, string>> = {
  CalicoNetworkPolicy: 'NetworkPolicy calico',
  GlobalNetworkPolicy: 'GlobalNetworkPolicy calico',
};

function plain({ verdict, decidedBy, isolatedBy }: DirectionVerdict): object {
  const name = (policy: DirectionVerdict['isolatedBy'][number]): string =>
    `${KIND[policy.kind] ?? policy.kind} ${policy.namespace ?? ''}/${policy.name}`;
  return {
    verdict,
    decidedBy: decidedBy.map((hit) => `${name(hit.policy)} ${hit.rule}`).sort(),
    isolatedBy: isolatedBy.map(name).sort(),
  };
}

function sorted<T extends { decidedBy: string[]; isolatedBy: string[] }>(answer: T): T {
  return { ...answer, decidedBy: answer.decidedBy.sort(), isolatedBy: answer.isolatedBy.sort() };
}

function endsOf({ pods: all }: NaiveCluster): readonly NaiveEnd[] {
  return [...all, { ip: '8.8.8.8' }];
}

const asked = fc.record({ protocol, port: number });

function agree(one: NaiveCluster, question: { protocol: string; port: number }): void {
  const engine = createPolicyEngine(clusterStateOf(objectsOf(one)));
  for (const source of endsOf(one)) {
    for (const destination of endsOf(one)) {
      const query = {
        source: connectionEnd(source),
        destination: connectionEnd(destination),
        port: question.port,
        protocol: question.protocol as 'TCP',
      };
      const expected = naiveVerdict({ source, destination, ...question }, one);
      const found = engine.evaluate(query);
      expect({ egress: plain(found.egress), ingress: plain(found.ingress) }).toEqual({
        egress: sorted(expected.egress),
        ingress: sorted(expected.ingress),
      });
      expect(engine.verdict(query)).toBe(found.verdict);
    }
  }
}

describe('the engine agrees with an evaluator that only follows the documentation', () => {
  it.each([
    ['NetworkPolicies', cluster(4, 0, 0), 400],
    ['NetworkPolicies and cluster-wide ones', cluster(2, 3, 0), 400],
    ['Calico policies', cluster(0, 0, 5), 400],
    ['all kinds together', cluster(2, 2, 4), 400],
  ] as const)('%s', (_name, clusters, runs) => {
    fc.assert(fc.property(clusters, asked, agree), { numRuns: runs });
  });
});

describe('what must not matter', () => {
  const shuffled = fc.tuple(cluster(3, 2, 3), asked, fc.integer());

  it('the order of documents and of labels', () => {
    fc.assert(
      fc.property(shuffled, ([one, question, seed]) => {
        const objects = objectsOf(one);
        const turned = [...objects]
          .map((object, i) => ({ object, key: Math.imul(seed + i, 2654435761) }))
          .sort((a, b) => a.key - b.key);
        const mixed = turned.map(({ object }) => ({
          ...object,
          metadata: {
            ...object.metadata,
            labels: Object.fromEntries(Object.entries(object.metadata.labels ?? {}).reverse()),
          },
        }));
        const engines = [objects, mixed].map((all) => createPolicyEngine(clusterStateOf(all)));
        for (const source of endsOf(one)) {
          for (const destination of endsOf(one)) {
            const query = {
              source: connectionEnd(source),
              destination: connectionEnd(destination),
              port: question.port,
              protocol: question.protocol as 'TCP',
            };
            const [a, b] = engines.map((engine) => engine.evaluate(query));
            expect(a && [plain(a.egress), plain(a.ingress)]).toEqual(b && [plain(b.egress), plain(b.ingress)]);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('an allow rule that is added to a NetworkPolicy never denies more', () => {
    fc.assert(
      fc.property(cluster(4, 0, 0), rule('from'), rule('to'), asked, (one, from, to, question) => {
        const wider = {
          ...one,
          policies: one.policies.map((policy, i) =>
            i > 0
              ? policy
              : {
                  ...policy,
                  spec: {
                    ...policy.spec,
                    // Adding the first egress rule would isolate for egress, were the types not written.
                    policyTypes:
                      (policy.spec.policyTypes ?? []).length > 0
                        ? policy.spec.policyTypes
                        : ['Ingress', ...((policy.spec.egress ?? []).length > 0 ? ['Egress'] : [])],
                    ingress: [...(policy.spec.ingress ?? []), from],
                    egress: [...(policy.spec.egress ?? []), to],
                  },
                },
          ),
        };
        const [before, after] = [one, wider].map((all) => createPolicyEngine(clusterStateOf(objectsOf(all))));
        for (const source of endsOf(one)) {
          for (const destination of endsOf(one)) {
            const query = {
              source: connectionEnd(source),
              destination: connectionEnd(destination),
              port: question.port,
              protocol: question.protocol as 'TCP',
            };
            if (before?.verdict(query) === 'allowed') expect(after?.verdict(query)).toBe('allowed');
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** One address of every region that the networks of the tests make. */
const REGIONS = ['10.0.0.0', '10.0.0.2', '10.0.0.4', '10.0.0.9', '8.8.8.8', '8.1.1.1', '1.1.1.1'];

describe('an address that is not known', () => {
  it.each([
    ['NetworkPolicies and cluster-wide ones', cluster(3, 2, 0)],
    ['Calico policies', cluster(0, 0, 5)],
  ] as const)('leaves open exactly what hangs on it: %s', (_name, clusters) => {
    fc.assert(
      fc.property(clusters, asked, (one, question) => {
        const [hidden, ...others] = one.pods;
        if (!hidden) return;
        const objects = objectsOf({ ...one, pods: others });
        const [lost] = objectsOf({ ...one, policies: [], pods: [hidden] }).filter(({ kind }) => kind === 'Pod');
        const engine = createPolicyEngine(clusterStateOf([...objects, { ...lost, status: {} } as KubernetesObject]));
        for (const other of others) {
          const query = {
            source: connectionEnd(hidden),
            destination: connectionEnd(other),
            port: question.port,
            protocol: question.protocol as 'TCP',
          };
          const possible = REGIONS.map((ip) =>
            naiveVerdict({ source: { ...hidden, ip }, destination: other, ...question }, one),
          );
          const found = engine.evaluate(query);
          for (const side of ['egress', 'ingress'] as const) {
            const verdicts = new Set(possible.map((answer) => answer[side].verdict));
            expect(found[side].verdict).toBe(verdicts.size > 1 ? 'unknown' : [...verdicts][0]);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
