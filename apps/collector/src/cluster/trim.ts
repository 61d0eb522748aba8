import type { KubernetesObject, ObjectMeta } from '@whydrop/model';

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The named fields of an object that are there. */
function pick(value: unknown, names: readonly string[]): Fields {
  const from = fields(value);
  return Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));
}

/** Annotations that bear on policies or addresses; the rest may be large, secret or both. */
const TOLD_ANNOTATION = /(^|\.)projectcalico\.org\/|network-?policy|^k8s\.ovn\.org\/|^policyName$|^name$/i;
const LONGEST_ANNOTATION = 8192;

function annotationsOf(annotations: unknown): Fields {
  return Object.fromEntries(
    Object.entries(fields(annotations)).filter(
      ([name, value]) => TOLD_ANNOTATION.test(name) && String(value).length <= LONGEST_ANNOTATION,
    ),
  );
}

const META = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'generateName',
  'labels',
];

function metaOf(meta: ObjectMeta): ObjectMeta {
  const annotations = annotationsOf(meta.annotations);
  const owners = list(meta.ownerReferences).map((owner) => pick(owner, ['kind', 'name', 'controller', 'uid']));
  return {
    ...pick(meta, META),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(owners.length > 0 ? { ownerReferences: owners } : {}),
  } as ObjectMeta;
}

function conditions(status: Fields): readonly Fields[] {
  return list(status['conditions']).map((each) => pick(each, ['type', 'status', 'lastTransitionTime']));
}

/** Where a pod runs, what it listens on, whether it is up: no image, command, environment or volume. */
function pod({ spec, status }: KubernetesObject): Fields {
  const [wanted, seen] = [fields(spec), fields(status)];
  const containers = list(wanted['containers']).map((container) => pick(container, ['name', 'ports']));
  return {
    spec: { ...pick(wanted, ['nodeName', 'hostNetwork', 'serviceAccountName', 'subdomain', 'hostname']), containers },
    status: { ...pick(seen, ['phase', 'podIP', 'podIPs', 'hostIP', 'reason']), conditions: conditions(seen) },
  };
}

/** A node's addresses and ranges; its heartbeats are nothing. */
function node({ spec, status }: KubernetesObject): Fields {
  return {
    spec: pick(spec, ['podCIDR', 'podCIDRs', 'providerID', 'unschedulable']),
    status: pick(status, ['addresses']),
  };
}

const PARTS: Readonly<Record<string, (object: KubernetesObject) => Fields>> = {
  Pod: pod,
  Node: node,
  Namespace: ({ status }) => ({ status: pick(status, ['phase']) }),
  Service: ({ spec, status }) => ({ spec: fields(spec), status: pick(status, ['loadBalancer']) }),
  EndpointSlice: (slice) => pick(slice, ['addressType', 'endpoints', 'ports']),
};

/** All other kinds are policies and what policies name: told whole, but for who wrote them and how they fare. */
function whole(object: KubernetesObject): Fields {
  return Object.fromEntries(
    Object.entries(object).filter(([name]) => !['apiVersion', 'kind', 'metadata', 'status'].includes(name)),
  );
}

/** What of an object leaves the cluster: what explanations are made of, and nothing else. */
export function trimmed(object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, metadata: metaOf(metadata), ...(PARTS[kind] ?? whole)(object) };
}

/** An object without the version that every write changes: two that are equal here say the same. */
export function meaning(object: KubernetesObject): string {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
}

/** When an object was last written, by the API server's clock; its fields' managers say so, to the second. */
export function writtenAt(object: KubernetesObject): number | undefined {
  const times = list(object.metadata['managedFields'])
    .map((entry) => Date.parse(String(fields(entry)['time'])))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.max(...times);
}
