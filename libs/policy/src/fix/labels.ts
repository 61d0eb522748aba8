import type { ClusterState, PodEndpoint, RuleMiss } from '@whydrop/model';
import { editDistance } from '../edit-distance.js';
import type { End } from '../end.js';
import type { Denial } from './candidates.js';
import { pointer } from './patch.js';

/** A label that the peer, or its namespace, lacks or has misspelt. */
export interface LabelChange {
  readonly on: 'workload' | 'namespace';
  readonly namespace: string;
  /** Of the workload's pods, or of the namespace. */
  readonly kind: string;
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** `app=web`, `a namespace with project=jtac`: the label that a criterion wants. */
const WANTED = /(?:^| )([\w./-]+)=([\w.-]+)$/;

const withoutDigits = (text: string): string => text.replaceAll(/\d+/g, '');

/** A label is put right where it is absent or a slip of the pen; another value, or number, is another workload. */
function isSlip(present: string | undefined, wanted: string): boolean {
  if (present === undefined || present.toLowerCase() === wanted.toLowerCase()) return true;
  return withoutDigits(present) !== withoutDigits(wanted) && editDistance(present, wanted) <= 1;
}

function labelsOf(end: End, field: string): ReadonlyMap<string, string> | undefined {
  if (field === 'podSelector') return end.labels;
  return field === 'namespaceSelector' ? end.namespace?.labels : undefined;
}

function changeOf(miss: RuleMiss, peer: End, pod: PodEndpoint): LabelChange | undefined {
  const [failure, ...others] = miss.failed;
  const wanted = failure && WANTED.exec(failure.wanted);
  const labels = failure && labelsOf(peer, failure.field);
  if (!wanted || !labels || others.length > 0) return undefined;
  const [, key = '', value = ''] = wanted;
  if (key === 'kubernetes.io/metadata.name' || !isSlip(labels.get(key), value)) return undefined;
  const { namespace } = pod;
  if (failure.field === 'namespaceSelector')
    return { on: 'namespace', namespace, kind: 'Namespace', name: namespace, key, value };
  return { on: 'workload', namespace, kind: pod.workload.kind, name: pod.workload.name, key, value };
}

/** Labels whose want alone keeps a rule of a denying policy from admitting the connection. */
export function labelChanges({ direction, connection, misses }: Denial, state: ClusterState): readonly LabelChange[] {
  const peer = direction === 'ingress' ? connection.source : connection.destination;
  const pod = state.pods.find(
    ({ namespace, name }) => `${namespace}/${name}` === `${peer.namespace?.name}/${peer.label}`,
  );
  if (peer.kind !== 'pod' || !pod) return [];
  return misses.slice(0, 3).flatMap((miss) => changeOf(miss, peer, pod) ?? []);
}

/** The state with the label set on every pod of the workload, or on the namespace. */
export function relabelled(state: ClusterState, change: LabelChange): ClusterState {
  const { on, namespace, kind, name, key, value } = change;
  if (on === 'namespace') {
    const known = state.namespaces.some((one) => one.name === name);
    const all = known ? state.namespaces : [...state.namespaces, { name, labels: {}, annotations: {} }];
    const namespaces = all.map((one) =>
      one.name === name ? { ...one, labels: { ...one.labels, [key]: value } } : one,
    );
    return { ...state, namespaces };
  }
  const isOwn = ({ workload }: PodEndpoint) =>
    workload.namespace === namespace && workload.kind === kind && workload.name === name;
  return {
    ...state,
    pods: state.pods.map((pod) => (isOwn(pod) ? { ...pod, labels: { ...pod.labels, [key]: value } } : pod)),
  };
}

/** Where the label stands in the object that is to be patched. */
export function labelPointer({ kind, key }: LabelChange): string {
  const bare = kind === 'Pod' || kind === 'Namespace';
  return pointer([...(bare ? [] : ['spec', 'template']), 'metadata', 'labels', key]);
}
