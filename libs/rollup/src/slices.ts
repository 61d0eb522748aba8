import { Deltas } from './deltas.js';

/** What is added up beforehand beside the groups themselves. */
export const SLICES = ['all', 'cause', 'namespace', 'policy'] as const;

export type SliceDimension = (typeof SLICES)[number];

/** What of a group decides which slices it is in; none of it changes as long as the group is there. */
export interface Sliced {
  readonly verdict: string;
  readonly cause: string;
  readonly direction: string | null;
  readonly sourceNamespace: string | null;
  readonly destinationNamespace: string | null;
  readonly policies: readonly string[];
}

/** One value of a dimension, of one cluster and verdict. */
export interface Slice {
  readonly id: string;
  readonly verdict: string;
  readonly dimension: SliceDimension;
  readonly value: string;
}

function decidedNamespace({ direction, sourceNamespace, destinationNamespace }: Sliced): string {
  const [first, second] =
    direction === 'egress' ? [sourceNamespace, destinationNamespace] : [destinationNamespace, sourceNamespace];
  return first ?? second ?? '';
}

/** The slices of a group: everything, its cause, the namespace that decided, and each of its policies (or none). */
export function slicesOf(clusterId: number, group: Sliced): readonly Slice[] {
  const slice = (dimension: SliceDimension, value: string): Slice => {
    const { verdict } = group;
    return { id: [clusterId, verdict, dimension, value].join('/'), verdict, dimension, value };
  };
  const policies = group.policies.length === 0 ? [''] : group.policies;
  return [
    slice('all', ''),
    slice('cause', group.cause),
    slice('namespace', decidedNamespace(group)),
    ...policies.map((policy) => slice('policy', policy)),
  ];
}

/** The same changes, slice by slice. `slices` gives those of each group. */
export function sliceDeltas(deltas: Deltas, slices: ReadonlyMap<string, readonly Slice[]>): Deltas {
  const sliced = new Deltas();
  for (const { bucket, groupId, ...sums } of deltas.of('minute')) {
    for (const { id } of slices.get(groupId) ?? []) sliced.add(bucket, id, sums);
  }
  return sliced;
}
