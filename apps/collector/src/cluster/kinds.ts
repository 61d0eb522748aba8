/** A kind that decides who reaches whom, as the Kubernetes API serves it. */
export interface WatchedKind {
  /** '' is the core group. */
  readonly group: string;
  /** Versions we read, the best first; the first one that the API serves is taken. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly kind: string;
}

const calico = (group: string, version: string) => (plural: string, kind: string) => ({
  group,
  versions: [version],
  plural,
  kind,
});

const CALICO_KINDS = [
  ['networkpolicies', 'NetworkPolicy'],
  ['globalnetworkpolicies', 'GlobalNetworkPolicy'],
  ['stagednetworkpolicies', 'StagedNetworkPolicy'],
  ['stagedglobalnetworkpolicies', 'StagedGlobalNetworkPolicy'],
  ['stagedkubernetesnetworkpolicies', 'StagedKubernetesNetworkPolicy'],
  ['tiers', 'Tier'],
  ['networksets', 'NetworkSet'],
  ['globalnetworksets', 'GlobalNetworkSet'],
  ['hostendpoints', 'HostEndpoint'],
  ['profiles', 'Profile'],
  ['ippools', 'IPPool'],
] as const;

/** Kinds of every cluster: one that the API does not serve is trouble. */
export const CORE_KINDS: readonly WatchedKind[] = [
  { group: '', versions: ['v1'], plural: 'namespaces', kind: 'Namespace' },
  { group: '', versions: ['v1'], plural: 'nodes', kind: 'Node' },
  { group: '', versions: ['v1'], plural: 'pods', kind: 'Pod' },
  { group: '', versions: ['v1'], plural: 'services', kind: 'Service' },
  { group: 'discovery.k8s.io', versions: ['v1', 'v1beta1'], plural: 'endpointslices', kind: 'EndpointSlice' },
  { group: 'networking.k8s.io', versions: ['v1'], plural: 'networkpolicies', kind: 'NetworkPolicy' },
];

const admin = (plural: string, kind: string): WatchedKind => {
  return { group: 'policy.networking.k8s.io', versions: ['v1', 'v1beta1', 'v1alpha2', 'v1alpha1'], plural, kind };
};

/** Kinds that are there when somebody installed them. */
export const OPTIONAL_KINDS: readonly WatchedKind[] = [
  admin('adminnetworkpolicies', 'AdminNetworkPolicy'),
  admin('baselineadminnetworkpolicies', 'BaselineAdminNetworkPolicy'),
  admin('clusternetworkpolicies', 'ClusterNetworkPolicy'),
  ...CALICO_KINDS.map(([plural, kind]) => calico('crd.projectcalico.org', 'v1')(plural, kind)),
];

/** What Calico's own API server serves; where it runs, the custom resources below it are the same objects once more. */
export const CALICO_API_KINDS: readonly WatchedKind[] = CALICO_KINDS.map(([plural, kind]) =>
  calico('projectcalico.org', 'v3')(plural, kind),
);

/** A kind in the version in which it is read. */
export interface ServedKind extends WatchedKind {
  readonly version: string;
}

export function apiVersionOf({ group, version }: ServedKind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Path of all objects of a kind. */
export function pathOf(kind: ServedKind): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return `${root}/${kind.plural}`;
}

/** Name of a kind in metrics and logs. */
export function nameOf({ group, plural }: WatchedKind): string {
  return group === '' ? plural : `${plural}.${group}`;
}
