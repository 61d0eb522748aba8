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

/** Calico's objects as custom resources, and as its own API server gives the same objects. */
export const CALICO_CRDS = 'crd.projectcalico.org';
export const CALICO_API = 'projectcalico.org';

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
];

export const CALICO_CRD_KINDS: readonly WatchedKind[] = CALICO_KINDS.map(([plural, kind]) =>
  calico(CALICO_CRDS, 'v1')(plural, kind),
);

/** What Calico's own API server serves; where it runs, the custom resources below it are the same objects once more. */
export const CALICO_API_KINDS: readonly WatchedKind[] = CALICO_KINDS.map(([plural, kind]) =>
  calico(CALICO_API, 'v3')(plural, kind),
);

export const ALL_KINDS: readonly WatchedKind[] = [
  ...CORE_KINDS,
  ...OPTIONAL_KINDS,
  ...CALICO_CRD_KINDS,
  ...CALICO_API_KINDS,
];

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

/** The same objects in Calico's other group; undefined for kinds that are not Calico's. */
export function twinOf(group: string): string | undefined {
  if (group === CALICO_CRDS) return CALICO_API;
  return group === CALICO_API ? CALICO_CRDS : undefined;
}

/** Name of a kind in metrics and logs. */
export function nameOf({ group, plural }: WatchedKind): string {
  return group === '' ? plural : `${plural}.${group}`;
}
