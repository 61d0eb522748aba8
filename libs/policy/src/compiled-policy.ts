import type { KubernetesObject, PolicyRef } from '@whydrop/model';
import type { End } from './end.js';
import type { CompiledDirection } from './rule.js';
import type { Tri } from './tri.js';
import type { World } from './world.js';
import type { Problem } from './yaml-value.js';

/** How the policies of one kind work together within their tier. */
export type Family =
  /** Kubernetes NetworkPolicy: allow rules only, no order, isolates what it selects. */
  | 'union'
  /** AdminNetworkPolicy, ClusterNetworkPolicy: by priority; equal priorities have no order; isolates nothing. */
  | 'priority'
  /** Calico: by order, then name; isolates what it selects. */
  | 'ordered';

/** Which objects a policy can select at all: used to find candidates without asking every policy. */
export interface Candidates {
  /** Undefined: any namespace, and what has none. */
  readonly namespace: string | undefined;
  /** A label the selected endpoint must have with this value; undefined where there is no such label. */
  readonly label: { readonly key: string; readonly value: string } | undefined;
}

/** A policy of any kind, ready to be asked. Made once per object. */
export interface CompiledPolicy {
  readonly object: KubernetesObject;
  readonly ref: PolicyRef;
  readonly family: Family;
  readonly tier: string;
  /** Smaller first; Infinity where none was given. */
  readonly order: number;
  /** Ties of order are broken by it. */
  readonly sortName: string;
  readonly candidates: Candidates;
  readonly selects: (end: End, world: World) => Tri;
  readonly ingress: CompiledDirection;
  readonly egress: CompiledDirection;
  /** What the API server would have refused; those parts match nothing. */
  readonly problems: readonly Problem[];
  /** Not enforced yet: `set` will be, `delete` means the enforced policy of the same name goes away. */
  readonly staged: 'set' | 'delete' | undefined;
  /** Only for host endpoints: forwarded traffic too, before NAT, without tracking. */
  readonly host: { readonly forward: boolean; readonly preDnat: boolean; readonly untracked: boolean } | undefined;
}

/** Names the object as explanations cite it. */
export function policyRef(object: KubernetesObject, kind: string, namespaced: boolean, tier: string): PolicyRef {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    kind,
    namespace: namespaced ? (namespace ?? 'default') : null,
    name,
    uid,
    resourceVersion: resourceVersion === undefined ? undefined : String(resourceVersion),
    tier,
  };
}

/** The API group of an object: the part of apiVersion before the slash, empty for the core. */
export function groupOf(object: KubernetesObject): string {
  const slash = object.apiVersion.indexOf('/');
  return slash < 0 ? '' : object.apiVersion.slice(0, slash);
}
