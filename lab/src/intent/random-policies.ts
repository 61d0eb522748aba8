import type { Random } from '../../verify/random.js';
import type {
  Attempt,
  KubernetesPolicy,
  LabelSelector,
  LabPod,
  LabPolicy,
  Party,
  PolicyPeer,
  PolicyPort,
  Scenario,
} from '../scenario.js';
import { randomCalicoPolicy, TIERS } from './random-calico.js';

/** A small cluster whose policies are drawn at random, to hold what they say against what a kernel does. */

/** What a plugin can be given; the rest it refuses, or is known to do otherwise. */
export interface Ability {
  /** kube-router and the plain rules resolve a name for peers that are pods only, not for networks with pods in them. */
  readonly namedPorts: 'both' | 'ingress' | 'none';
  readonly portRanges: boolean;
  /** `In` and `NotIn` with more than one value. */
  readonly manyValues: boolean;
  /** Policies with both types; kube-router mixes up their directions. */
  readonly bothTypes: boolean;
  /** Namespace selectors of negations alone; Azure writes them as negated sets, which outside addresses meet, too. */
  readonly negatedSpaces: boolean;
  /** ipBlocks with exceptions; kube-router puts all networks of a rule into one set, where an exception wins. */
  readonly exceptions: boolean;
  /** Judges echo requests like everything else. */
  readonly pings: boolean;
  /** Calico's own kinds and tiers. */
  readonly calico: boolean;
}

const EVERYTHING: Ability = {
  namedPorts: 'both',
  portRanges: true,
  manyValues: true,
  bothTypes: true,
  exceptions: true,
  negatedSpaces: true,
  pings: true,
  calico: false,
};

export const ABILITIES: Readonly<Record<string, Ability>> = {
  'calico-current': { ...EVERYTHING, calico: true },
  'calico-old': EVERYTHING,
  'kube-router': { ...EVERYTHING, namedPorts: 'ingress', bothTypes: false, exceptions: false, pings: false },
  'weave-npc': { ...EVERYTHING, namedPorts: 'none', portRanges: false },
  'azure-npm': { ...EVERYTHING, manyValues: false, negatedSpaces: false },
  plain: { ...EVERYTHING, namedPorts: 'ingress' },
};

const NAMESPACES = [
  { name: 'red', labels: { team: 'one' } },
  { name: 'blue', labels: { team: 'two', env: 'prod' } },
  { name: 'green', labels: { team: 'one', env: 'prod' } },
] as const;

function pods(): readonly LabPod[] {
  const place = [
    ['red', 'a', 'n1', 'x'],
    ['red', 'b', 'n2', undefined],
    ['blue', 'a', 'n2', 'x'],
    ['blue', 'c', 'n1', 'y'],
    ['green', 'b', 'n1', 'y'],
    ['green', 'c', 'n2', undefined],
  ] as const;
  return place.map(([namespace, app, node, side], index) => ({
    namespace,
    name: `${app}-${index}`,
    node,
    ip: `10.244.${node === 'n1' ? 1 : 2}.${10 + index}`,
    labels: { app, ...(side ? { side } : {}) },
    // Half of the pods give their port a name.
    ports: index % 2 === 0 ? [{ name: 'web', port: 80 }] : [{ port: 80 }],
    listens: [{ port: 80 }, { port: 8080 }, { port: 53, protocol: 'UDP' }],
  }));
}

/** The cluster without any policy yet. */
export function emptyCluster(dialect: string): Scenario {
  return {
    name: `intent-${dialect}`,
    cluster: 'intent',
    dialect,
    clusterCidr: '10.244.0.0/16',
    nodes: [
      { name: 'n1', ip: '192.168.78.11', podCidr: '10.244.1.0/24' },
      { name: 'n2', ip: '192.168.78.12', podCidr: '10.244.2.0/24' },
    ],
    outside: [{ name: 'laptop', ip: '192.168.78.200', listens: [{ port: 80 }, { port: 8080 }] }],
    namespaces: NAMESPACES,
    pods: pods(),
    services: [],
    policies: [],
    ...(ABILITIES[dialect]?.calico ? { tiers: TIERS } : {}),
    steps: [],
  };
}

const LABELS: Readonly<Record<string, readonly string[]>> = {
  app: ['a', 'b', 'c', 'nobody'],
  side: ['x', 'y'],
};
const SPACE_LABELS: Readonly<Record<string, readonly string[]>> = { team: ['one', 'two'], env: ['prod', 'stage'] };

const POSITIVE = ['In', 'Exists'] as const;
const OPERATORS = [...POSITIVE, 'NotIn', 'DoesNotExist'] as const;

function selector(random: Random, ability: Ability, labels: typeof LABELS, negations = true): LabelSelector {
  const key = random.pick(Object.keys(labels));
  const values = labels[key] ?? [];
  if (random.chance(0.2)) return {};
  if (random.chance(0.5)) return { matchLabels: { [key]: random.pick(values) } };
  const operator = random.pick(negations ? OPERATORS : POSITIVE);
  if (operator === 'Exists' || operator === 'DoesNotExist') return { matchExpressions: [{ key, operator }] };
  return { matchExpressions: [{ key, operator, values: random.some(values, ability.manyValues ? 2 : 1) }] };
}

const NETS = ['10.244.1.0/24', '10.244.0.0/16', '192.168.78.0/24', '192.168.78.200/32', '10.244.2.8/29'] as const;
const HOLES: Readonly<Record<string, readonly string[]>> = {
  '10.244.0.0/16': ['10.244.1.10/32', '10.244.2.0/25'],
  '192.168.78.0/24': ['192.168.78.200/32'],
};

function peer(random: Random, ability: Ability): PolicyPeer {
  if (random.chance(0.25)) {
    const cidr = random.pick(NETS);
    const holes = HOLES[cidr];
    return {
      ipBlock: {
        cidr,
        ...(holes && ability.exceptions && random.chance(0.6) ? { except: random.some(holes, 2) } : {}),
      },
    };
  }
  const kind = random.pick(['pods', 'spaces', 'both'] as const);
  return {
    ...(kind === 'spaces' ? {} : { podSelector: selector(random, ability, LABELS) }),
    ...(kind === 'pods' ? {} : { namespaceSelector: selector(random, ability, SPACE_LABELS, ability.negatedSpaces) }),
  };
}

function port(random: Random, ability: Ability, names: boolean): PolicyPort {
  if (random.chance(0.2)) return { protocol: 'UDP', port: 53 };
  if (names && random.chance(0.25)) return { port: 'web' };
  if (ability.portRanges && random.chance(0.2)) return { protocol: 'TCP', port: 8000, endPort: 8100 };
  if (random.chance(0.15)) return { protocol: 'TCP' };
  return { port: random.pick([80, 8080]) };
}

function many<T>(random: Random, most: number, make: () => T): readonly T[] {
  return Array.from({ length: random.integer(0, most) }, make);
}

function types(random: Random, ability: Ability): readonly ('Ingress' | 'Egress')[] {
  if (ability.bothTypes && random.chance(0.3)) return ['Ingress', 'Egress'];
  return [random.chance(0.6) ? 'Ingress' : 'Egress'];
}

function randomKubernetesPolicy(random: Random, ability: Ability, index: number): KubernetesPolicy {
  const policyTypes = types(random, ability);
  const peers = () => many(random, 2, () => peer(random, ability));
  const ports = (names: boolean) => many(random, 2, () => port(random, ability, names));
  const ingress = many(random, 2, () => ({ from: peers(), ports: ports(ability.namedPorts !== 'none') }));
  const egress = many(random, 2, () => ({ to: peers(), ports: ports(ability.namedPorts === 'both') }));
  return {
    kind: 'kubernetes',
    namespace: random.pick(NAMESPACES).name,
    name: `policy-${index}`,
    spec: {
      podSelector: selector(random, ability, LABELS),
      policyTypes,
      ...(policyTypes.includes('Ingress') ? { ingress } : {}),
      ...(policyTypes.includes('Egress') ? { egress } : {}),
    },
  };
}

/** A policy of a kind that the dialect knows. */
export function randomPolicy(random: Random, dialect: string, index: number): LabPolicy {
  const ability = ABILITIES[dialect] ?? EVERYTHING;
  if (!ability.calico || random.chance(0.4)) return randomKubernetesPolicy(random, ability, index);
  const namespaces = NAMESPACES.map((namespace) => namespace.name);
  return randomCalicoPolicy(random, namespaces, index);
}

function randomRequest(random: Random, to: Party, pings: boolean): Pick<Attempt, 'protocol' | 'port'> {
  if (to.kind === 'pod' && random.chance(0.2)) return { protocol: 'UDP', port: 53 };
  if (pings && random.chance(0.15)) return { protocol: 'ICMP' };
  return { protocol: 'TCP', port: random.pick([80, 8080]) };
}

/** Every pod, and a machine outside, tries every other in one way. */
export function everybodyTries(random: Random, scenario: Scenario): readonly Attempt[] {
  const pings = ABILITIES[scenario.dialect]?.pings ?? false;
  const all: readonly Party[] = [
    ...scenario.pods.map(({ namespace, name }) => ({ kind: 'pod', namespace, name }) as const),
    { kind: 'outside', name: 'laptop' },
  ];
  return all.flatMap((from) =>
    all
      .filter((to) => to !== from)
      .map((to) => ({ from, to, ...randomRequest(random, to, pings), timeout: 0.8, expect: 'allowed' as const })),
  );
}
