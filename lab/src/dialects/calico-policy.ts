import { policyTypes } from '../selectors.js';
import type {
  CalicoApiRule,
  CalicoEntity,
  CalicoPolicy,
  KubernetesPolicy,
  LabelSelector,
  LabPod,
  LabPolicy,
  Labels,
  PolicyPeer,
  PolicyPort,
  Scenario,
} from '../scenario.js';
import { canonicalSelector, matchesSelector, parseSelector, prefixed, type Selector } from './calico-selector.js';

/** A policy as Felix gets it: one form for Kubernetes' and Calico's own. */
export interface FelixPolicy {
  readonly policy: LabPolicy;
  readonly tier: string;
  readonly order: number;
  /** Name in eras before v3.32: `<ns>/knp.default.<name>`, `<ns>/<tier>.<name>`, `<tier>.<name>`. */
  readonly v1Name: string;
  readonly selector: Selector;
  readonly directions: readonly Direction[];
  readonly rules: Readonly<Record<Direction, readonly FelixPolicyRule[]>>;
}

export type Direction = 'ingress' | 'egress';

export interface FelixPolicyRule {
  readonly action: CalicoApiRule['action'];
  readonly protocol: string | undefined;
  /** Selector of the peer's IP set; undefined: any address, or the nets. */
  readonly peer: Selector | undefined;
  readonly nets: readonly string[];
  readonly notNets: readonly string[];
  readonly ports: readonly string[];
  /** Names of container ports at the destination; Felix keeps a set of addresses and ports for each. */
  readonly namedPorts: readonly string[];
}

const terms = (selector: LabelSelector): readonly string[] => [
  ...Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key} == '${value}'`),
  ...(selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return `has(${key})`;
    if (operator === 'DoesNotExist') return `! has(${key})`;
    return `${key} ${operator === 'In' ? 'in' : 'not in'} { ${values.map((value) => `'${value}'`).join(', ')} }`;
  }),
];

const podSelectorText = (selector: LabelSelector): string =>
  ["projectcalico.org/orchestrator == 'k8s'", ...terms(selector)].join(' && ');

const both = (first: Selector, second: Selector): Selector => ({ kind: 'and', terms: [first, second] });

const ownNamespace = (namespace: string): Selector => parseSelector(`projectcalico.org/namespace == '${namespace}'`);

function peerOf(entity: CalicoEntity, namespace: string | undefined): Selector | undefined {
  const { selector, namespaceSelector } = entity;
  if (selector === undefined && namespaceSelector === undefined) return undefined;
  const pods = selector === undefined ? undefined : parseSelector(selector);
  if (namespaceSelector !== undefined) {
    const space = prefixed(parseSelector(namespaceSelector), 'pcns.');
    return pods ? both(space, pods) : space;
  }
  const own = namespace === undefined ? undefined : ownNamespace(namespace);
  return own && pods ? both(own, pods) : pods;
}

function ruleOf(rule: CalicoApiRule, direction: Direction, namespace: string | undefined): FelixPolicyRule {
  const far = (direction === 'ingress' ? rule.source : rule.destination) ?? {};
  const ports = (rule.destination?.ports ?? []).map(String);
  return {
    action: rule.action,
    protocol: rule.protocol?.toLowerCase(),
    peer: peerOf(far, namespace),
    nets: far.nets ?? [],
    notNets: far.notNets ?? [],
    ports: ports.filter((port) => /^\d/.test(port)),
    namedPorts: ports.filter((port) => !/^\d/.test(port)),
  };
}

function portTexts(ports: readonly PolicyPort[]): readonly (number | string)[] {
  return ports.flatMap(({ port, endPort }) => {
    if (port === undefined) return [];
    return [typeof port === 'number' && endPort !== undefined ? `${port}:${endPort}` : port];
  });
}

function entityOf(peer: PolicyPeer | undefined): CalicoEntity {
  if (!peer) return {};
  if (peer.ipBlock) return { nets: [peer.ipBlock.cidr], notNets: peer.ipBlock.except ?? [] };
  const namespaces = peer.namespaceSelector && terms(peer.namespaceSelector).join(' && ');
  return {
    selector: podSelectorText(peer.podSelector ?? {}),
    ...(namespaces === undefined ? {} : { namespaceSelector: namespaces }),
  };
}

/** Kubernetes' rules become one Calico rule per protocol and peer, protocol-major. */
function spread(
  peers: readonly PolicyPeer[],
  ports: readonly PolicyPort[],
  direction: Direction,
): readonly CalicoApiRule[] {
  const named = [...new Set(ports.map((port) => port.protocol ?? 'TCP'))].sort();
  const protocols: readonly ('TCP' | 'UDP' | undefined)[] = named.length > 0 ? named : [undefined];
  const anyone: readonly (PolicyPeer | undefined)[] = peers.length > 0 ? peers : [undefined];
  return protocols.flatMap((protocol): readonly CalicoApiRule[] => {
    const items = ports.filter((port) => (port.protocol ?? 'TCP') === protocol);
    const numbers = items.some((port) => port.port === undefined) ? [] : portTexts(items);
    return anyone.map((peer) => {
      const far = entityOf(peer);
      const source = direction === 'ingress' ? far : {};
      const destination = { ...(direction === 'egress' ? far : {}), ports: numbers };
      return { action: 'Allow', ...(protocol ? { protocol } : {}), source, destination };
    });
  });
}

function fromKubernetes(policy: KubernetesPolicy): FelixPolicy {
  const { namespace, name, spec } = policy;
  const rules = (direction: Direction) => {
    const api =
      direction === 'ingress'
        ? (spec.ingress ?? []).flatMap((rule) => spread(rule.from ?? [], rule.ports ?? [], direction))
        : (spec.egress ?? []).flatMap((rule) => spread(rule.to ?? [], rule.ports ?? [], direction));
    return api.map((rule) => ruleOf(rule, direction, namespace));
  };
  return {
    policy,
    tier: 'default',
    order: 1000,
    v1Name: `${namespace}/knp.default.${name}`,
    selector: both(parseSelector(podSelectorText(spec.podSelector)), ownNamespace(namespace)),
    directions: policyTypes(policy).map((type) => (type === 'Ingress' ? 'ingress' : 'egress')),
    rules: { ingress: rules('ingress'), egress: rules('egress') },
  };
}

function fromCalico(policy: CalicoPolicy): FelixPolicy {
  const { namespace, name, spec } = policy;
  const tier = spec.tier ?? 'default';
  const stored = tier === 'default' ? `default.${name}` : name;
  const selector = parseSelector(spec.selector ?? 'all()');
  const rules = (direction: Direction) => (spec[direction] ?? []).map((rule) => ruleOf(rule, direction, namespace));
  return {
    policy,
    tier,
    order: spec.order ?? Number.POSITIVE_INFINITY,
    v1Name: namespace === undefined ? stored : `${namespace}/${stored}`,
    selector: namespace === undefined ? selector : both(selector, ownNamespace(namespace)),
    directions: spec.types.map((type) => (type === 'Ingress' ? 'ingress' : 'egress')),
    rules: { ingress: rules('ingress'), egress: rules('egress') },
  };
}

/** All policies of a scenario in the order in which Felix asks them: tier, order, name. */
export function felixPolicies(scenario: Scenario): readonly FelixPolicy[] {
  const orderOf = (tier: string): number =>
    tier === 'default' ? 1_000_000 : (scenario.tiers?.find((each) => each.name === tier)?.order ?? 2_000_000);
  return scenario.policies
    .map((policy) => (policy.kind === 'kubernetes' ? fromKubernetes(policy) : fromCalico(policy)))
    .sort(
      (a, b) =>
        orderOf(a.tier) - orderOf(b.tier) ||
        (a.order === b.order ? 0 : a.order - b.order) ||
        (a.v1Name < b.v1Name ? -1 : 1),
    );
}

/** Labels of a pod as selectors see them: its own, Calico's, and those of its namespace. */
export function endpointLabels(pod: LabPod, scenario: Scenario): Labels {
  const namespace = scenario.namespaces.find((each) => each.name === pod.namespace);
  const inherited = { ...namespace?.labels, 'kubernetes.io/metadata.name': pod.namespace };
  return {
    ...pod.labels,
    'projectcalico.org/namespace': pod.namespace,
    'projectcalico.org/orchestrator': 'k8s',
    'projectcalico.org/serviceaccount': 'default',
    'pcns.projectcalico.org/name': pod.namespace,
    ...Object.fromEntries(Object.entries(inherited).map(([key, value]) => [`pcns.${key}`, value])),
  };
}

export function appliesTo(policy: FelixPolicy, pod: LabPod, direction: Direction, scenario: Scenario): boolean {
  return policy.directions.includes(direction) && matchesSelector(policy.selector, endpointLabels(pod, scenario));
}

/** The selectors that rules match on, and the addresses that fit each. */
export function peerSets(scenario: Scenario, policies: readonly FelixPolicy[]): ReadonlyMap<string, readonly string[]> {
  const sets = new Map<string, readonly string[]>();
  for (const policy of policies) {
    for (const { peer } of policy.directions.flatMap((direction) => policy.rules[direction])) {
      if (!peer) continue;
      const members = scenario.pods.filter((pod) => matchesSelector(peer, endpointLabels(pod, scenario)));
      sets.set(
        canonicalSelector(peer),
        members.map((pod) => pod.ip),
      );
    }
  }
  return sets;
}

/** A named port at the destination: all pods in an ingress rule, the rule's peers in an egress rule. */
export interface NamedPort {
  readonly selector: Selector;
  readonly protocol: string;
  readonly name: string;
}

export function namedPortsOf(rule: FelixPolicyRule, direction: Direction): readonly NamedPort[] {
  const selector: Selector = direction === 'egress' && rule.peer ? rule.peer : { kind: 'all' };
  return rule.namedPorts.map((name) => ({ selector, protocol: rule.protocol ?? 'tcp', name }));
}

/** Addresses and ports behind a named port. */
export function namedPortMembers(port: NamedPort, scenario: Scenario): readonly string[] {
  return scenario.pods
    .filter((pod) => matchesSelector(port.selector, endpointLabels(pod, scenario)))
    .flatMap((pod) => pod.ports.map((each) => ({ ...each, ip: pod.ip })))
    .filter(({ name, protocol = 'TCP' }) => name === port.name && protocol.toLowerCase() === port.protocol)
    .map((each) => `${each.ip},${port.protocol}:${each.port}`);
}
