import type { Instant } from './time.js';

/** What became of an object: `rolled-out` is a workload whose pods were replaced, `endpoints` the backends of a service. */
export type ChangeKind =
  'created' | 'edited' | 'deleted' | 'relabelled' | 'readdressed' | 'replaced' | 'rolled-out' | 'endpoints';

/** A change of the cluster that bears on a drop. */
export interface Change {
  readonly kind: ChangeKind;
  /** The object by its kind as answers name it (`CalicoNetworkPolicy` beside `NetworkPolicy`). */
  readonly object: { readonly kind: string; readonly namespace: string | null; readonly name: string };
  /** When it came into force, by the watcher's clock. */
  readonly at: Instant;
  /** Of the object after the change; undefined when it was deleted. */
  readonly resourceVersion: string | undefined;
  /** One clause: `NetworkPolicy dev/policy1 was edited`. */
  readonly sentence: string;
}
