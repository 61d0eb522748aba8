import type {
  KubernetesPolicy,
  LabelSelector,
  Labels,
  LabNamespace,
  LabPod,
  PolicyPeer,
  PolicyPort,
  Scenario,
} from './scenario.js';
import { LabError } from './shell.js';

/** Whether labels meet a Kubernetes label selector; an empty selector meets all. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const member = value !== undefined && values.includes(value);
      return operator === 'In' ? member : !member;
    })
  );
}

/** Labels of a namespace with the one the API server adds. */
export function namespaceLabels(namespace: LabNamespace | undefined, name: string): Labels {
  return { ...namespace?.labels, 'kubernetes.io/metadata.name': name };
}

/** The directions a policy isolates, defaulted as the API server does. */
export function policyTypes(policy: KubernetesPolicy): readonly ('Ingress' | 'Egress')[] {
  const { policyTypes: types, egress = [] } = policy.spec;
  if (types && types.length > 0) return types;
  return egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

export function policyOn(policy: KubernetesPolicy, pod: LabPod, direction: 'Ingress' | 'Egress'): boolean {
  const selected = policy.namespace === pod.namespace && selects(policy.spec.podSelector, pod.labels);
  return selected && policyTypes(policy).includes(direction);
}

/** The pods a peer of a policy in `namespace` means; none for an ipBlock. */
export function podsOfPeer(scenario: Scenario, namespace: string, peer: PolicyPeer): readonly LabPod[] {
  if (peer.ipBlock) return [];
  return scenario.pods.filter((pod) => {
    const home = scenario.namespaces.find((each) => each.name === pod.namespace);
    const inNamespace = peer.namespaceSelector
      ? selects(peer.namespaceSelector, namespaceLabels(home, pod.namespace))
      : pod.namespace === namespace;
    return inNamespace && selects(peer.podSelector ?? {}, pod.labels);
  });
}

/** Kubernetes policies of a scenario; a plugin that knows no others refuses the rest. */
export function kubernetesPolicies(scenario: Scenario): readonly KubernetesPolicy[] {
  return scenario.policies.map((policy) => {
    if (policy.kind !== 'kubernetes') throw new LabError(`This plugin does not know the policy ${policy.name}`);
    return policy;
  });
}

/** Both sections of a policy in one form: index in its list, the far side's peers, and ports. */
export interface PolicyRule {
  readonly index: number;
  readonly peers: readonly PolicyPeer[];
  readonly ports: readonly PolicyPort[];
}

export function rulesOf(policy: KubernetesPolicy, direction: 'Ingress' | 'Egress'): readonly PolicyRule[] {
  const { ingress = [], egress = [] } = policy.spec;
  const rule = (index: number, peers: readonly PolicyPeer[] = [], ports: readonly PolicyPort[] = []) => ({
    index,
    peers,
    ports,
  });
  if (direction === 'Ingress') return ingress.map((each, index) => rule(index, each.from, each.ports));
  return egress.map((each, index) => rule(index, each.to, each.ports));
}

/** The canonical text of a label selector in Kubernetes: sorted by key, joined with commas. */
export function selectorText(selector: LabelSelector): string {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => [key, `${key}=${value}`] as const);
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const set = `(${[...values].sort().join(',')})`;
    if (operator === 'Exists') return [key, key] as const;
    if (operator === 'DoesNotExist') return [key, `!${key}`] as const;
    return [key, `${key} ${operator === 'In' ? 'in' : 'notin'} ${set}`] as const;
  });
  return [...equal, ...expressions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text)
    .join(',');
}
