import type { Instant } from './time.js';

/** A Kubernetes or Calico object as the API prints it. Only the parts that name and time it are typed here. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [key: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly generateName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly controller?: boolean }[];
  readonly [key: string]: unknown;
}

/**
 * A change of one object. `STATE` is an object found when the watch or capture began: it holds from before that time,
 * bounded by its creationTimestamp; the others hold from `at` on (`DELETED` carries the last object).
 */
export interface ObjectChange {
  readonly kind: 'object';
  readonly type: 'STATE' | 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly at: Instant;
  readonly object: KubernetesObject;
  readonly line: number;
}

/** One version of an object and the time it was in force. */
export interface ObjectVersion {
  readonly object: KubernetesObject;
  readonly validFrom: Instant;
  readonly validTo: Instant | undefined;
}
