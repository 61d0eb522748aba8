import type {
  LabelSelector,
  Labels,
  LabNamespace,
  LabPod,
  KubernetesPolicy,
  PolicyPeer,
  Scenario,
} from './scenario.js';

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
