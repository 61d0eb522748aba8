import type { KubernetesObject } from '@whydrop/model';

type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object found in a document, and its place there: `items[2]` as keys, empty for the document itself. */
export interface FoundObject {
  readonly object: KubernetesObject;
  readonly path: readonly (string | number)[];
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function strings(value: unknown): Record<string, string> {
  if (!isFields(value)) return {};
  const entries = Object.entries(value).map(([key, entry]): [string, string] => [key, text(entry) ?? '']);
  return Object.fromEntries(entries);
}

/** The beta annotation is JSON; unquoted, YAML reads it as a mapping. */
function annotations(value: unknown): Record<string, string> {
  const mappings = Object.entries(isFields(value) ? value : {}).filter(([, entry]) => isFields(entry));
  return { ...strings(value), ...Object.fromEntries(mappings.map(([key, entry]) => [key, JSON.stringify(entry)])) };
}

/** Kinds that have no namespace: one that is written all the same does not count. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'Node',
  'GlobalNetworkPolicy',
  'StagedGlobalNetworkPolicy',
  'GlobalNetworkSet',
  'HostEndpoint',
  'Tier',
  'Profile',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'ClusterNetworkPolicy',
]);

function ownersOf(value: unknown): KubernetesObject['metadata']['ownerReferences'] {
  const owners = Array.isArray(value) ? value.filter(isFields) : [];
  return owners.map((owner) => ({
    kind: text(owner['kind']) ?? '',
    name: text(owner['name']) ?? '',
    controller: owner['controller'] === true,
  }));
}

function normalised(fields: Fields, kind: string, apiVersion: string): KubernetesObject {
  const metadata = isFields(fields['metadata']) ? fields['metadata'] : {};
  const { namespace: _namespace, ...rest } = metadata;
  const namespace = CLUSTER_SCOPED.has(kind) ? undefined : (text(metadata['namespace']) ?? 'default');
  return {
    ...fields,
    apiVersion,
    kind,
    metadata: {
      ...rest,
      name: text(metadata['name']) ?? text(metadata['generateName']) ?? '',
      ...(namespace === undefined ? {} : { namespace }),
      labels: strings(metadata['labels']),
      annotations: annotations(metadata['annotations']),
      ownerReferences: ownersOf(metadata['ownerReferences']),
      creationTimestamp: text(metadata['creationTimestamp']),
      deletionTimestamp: text(metadata['deletionTimestamp']),
    },
  };
}

/** Calico before v3 wrote resources of its own: `apiVersion: v1, kind: policy`. */
const CALICO_V1: Readonly<Record<string, string>> = {
  policy: 'GlobalNetworkPolicy',
  hostEndpoint: 'HostEndpoint',
  profile: 'Profile',
};

function calicoV1(fields: Fields, kind: string): KubernetesObject | undefined {
  const served = Object.hasOwn(CALICO_V1, kind) ? CALICO_V1[kind] : undefined;
  return served === undefined ? undefined : normalised(fields, served, 'projectcalico.org/v3');
}

/** What an apiVersion is that was left out, where the kind leaves no doubt. */
const USUAL: Readonly<Record<string, string>> = {
  Pod: 'v1',
  Namespace: 'v1',
  Node: 'v1',
  Service: 'v1',
  Endpoints: 'v1',
  ServiceAccount: 'v1',
  ReplicationController: 'v1',
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicaSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  AdminNetworkPolicy: 'policy.networking.k8s.io/v1alpha1',
  BaselineAdminNetworkPolicy: 'policy.networking.k8s.io/v1alpha1',
  ClusterNetworkPolicy: 'policy.networking.k8s.io/v1alpha2',
  GlobalNetworkPolicy: 'projectcalico.org/v3',
  GlobalNetworkSet: 'projectcalico.org/v3',
  NetworkSet: 'projectcalico.org/v3',
  HostEndpoint: 'projectcalico.org/v3',
  Tier: 'projectcalico.org/v3',
  Profile: 'projectcalico.org/v3',
};

function usualVersion(kind: string): string {
  return Object.hasOwn(USUAL, kind) ? (USUAL[kind] ?? '') : '';
}

interface Inherited {
  readonly kind: string | undefined;
  readonly apiVersion: string | undefined;
}

/**
 * The objects of a document: itself, or the items of a list of any kind, at any depth. Items of a typed list may lack
 * kind and apiVersion. What is no object (a values file, text) gives nothing.
 */
export function objectsOf(
  value: unknown,
  path: readonly (string | number)[] = [],
  list: Inherited = { kind: undefined, apiVersion: undefined },
): readonly FoundObject[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => objectsOf(item, [...path, i], list));
  if (!isFields(value)) return [];
  const kind = text(value['kind']) ?? list.kind;
  const apiVersion = text(value['apiVersion']) ?? (list.apiVersion || usualVersion(kind ?? ''));
  if (kind === undefined) return [];
  if (kind.endsWith('List') && (Array.isArray(value['items']) || value['items'] === null || !isFields(value['spec']))) {
    const itemKind = kind === 'List' ? undefined : kind.slice(0, -'List'.length);
    const inherited = { kind: itemKind, apiVersion: kind === 'List' ? undefined : apiVersion };
    return Array.isArray(value['items']) ? objectsOf(value['items'], [...path, 'items'], inherited) : [];
  }
  const object = (apiVersion === 'v1' ? calicoV1(value, kind) : undefined) ?? normalised(value, kind, apiVersion);
  return [{ object, path }];
}
