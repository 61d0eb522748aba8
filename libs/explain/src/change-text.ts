import type { Change, ChangeKind, Instant, KubernetesObject } from '@whydrop/model';

/** The kind by which answers name an object: Calico's NetworkPolicy beside that of Kubernetes. */
export function kindOf({ apiVersion, kind }: KubernetesObject): string {
  return kind === 'NetworkPolicy' && apiVersion.includes('projectcalico.org') ? 'CalicoNetworkPolicy' : kind;
}

/** How a change names its object; a cluster-wide one has no namespace. */
export function refOf(object: KubernetesObject): Change['object'] {
  const { namespace, name } = object.metadata;
  return { kind: kindOf(object), namespace: namespace ?? null, name };
}

/** `NetworkPolicy dev/policy1`, `Node n1`. */
export function titleOf({ kind, namespace, name }: Change['object']): string {
  return `${kind} ${namespace === null ? name : `${namespace}/${name}`}`;
}

const VERBS: Readonly<Record<ChangeKind, string>> = {
  created: 'was created',
  edited: 'was edited',
  deleted: 'was deleted',
  relabelled: 'got other labels',
  readdressed: 'got another address',
  replaced: 'was deleted and created anew',
  'rolled-out': 'was rolled out',
  endpoints: 'got other endpoints',
};

/** A change of one object in words; `detail` follows the verb. */
export function changeOf(
  kind: ChangeKind,
  object: KubernetesObject,
  at: Instant,
  { detail = '', after = object }: { readonly detail?: string; readonly after?: KubernetesObject | undefined } = {},
): Change {
  const resourceVersion = kind === 'deleted' ? undefined : after.metadata.resourceVersion;
  const ref = refOf(object);
  return { kind, object: ref, at, resourceVersion, sentence: `${titleOf(ref)} ${VERBS[kind]}${detail}` };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** Whether two values are alike, whatever the order of their keys. */
export function isAlike(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** `app=web2 (was web), tier gone`: labels that differ. */
export function labelDifference(before: KubernetesObject, after: KubernetesObject): string {
  const [old, now] = [before.metadata.labels ?? {}, after.metadata.labels ?? {}];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].toSorted();
  const told = keys.flatMap((key) => {
    if (old[key] === now[key]) return [];
    if (now[key] === undefined) return [`${key} gone`];
    return [`${key}=${now[key]}${old[key] === undefined ? '' : ` (was ${old[key]})`}`];
  });
  return told.join(', ');
}
