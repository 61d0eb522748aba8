import { clusterStateOf, type Instant, type ObjectVersion } from '@whydrop/model';
import { createClusterView, type ClusterView } from './view.js';

/** How many instants' views are kept: explanations come in order of time, mostly from a few of them. */
const KEPT_VIEWS = 16;

/** The versions of a cluster's objects over some time: gives the cluster as it was at any instant of it. */
export interface ClusterHistory {
  at(instant: Instant): ClusterView;
  /** Versions of one object that came into force after an instant, oldest first: what changed since. */
  changesOf(kind: string, namespace: string | null, name: string, after: Instant): readonly ObjectVersion[];
}

function boundaries(versions: readonly ObjectVersion[]): readonly Instant[] {
  const instants = new Set<Instant>();
  for (const version of versions) {
    instants.add(version.validFrom);
    if (version.validTo !== undefined) instants.add(version.validTo);
  }
  return [...instants].toSorted((a, b) => a - b);
}

/** Index of the last boundary that is not after the instant; -1 before the first. */
function epochOf(sorted: readonly Instant[], instant: Instant): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) <= instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Prepares versions for asking. Between two changes the same view is given, so what it has worked out is kept. */
export function createClusterHistory(versions: readonly ObjectVersion[]): ClusterHistory {
  const sorted = boundaries(versions);
  const views = new Map<number, ClusterView>();
  const make = (epoch: number): ClusterView => {
    const instant = sorted[epoch] ?? -1;
    const inForce = versions.filter(
      (version) => version.validFrom <= instant && (version.validTo === undefined || instant < version.validTo),
    );
    const objects = inForce.map((version) => version.object);
    return createClusterView(clusterStateOf(objects), objects);
  };
  return {
    at(instant) {
      const epoch = epochOf(sorted, instant);
      const view = views.get(epoch) ?? make(epoch);
      views.delete(epoch);
      views.set(epoch, view);
      const oldest = views.size > KEPT_VIEWS ? views.keys().next().value : undefined;
      if (oldest !== undefined) views.delete(oldest);
      return view;
    },
    changesOf: (kind, namespace, name, after) =>
      versions
        .filter(({ object, validFrom }) => {
          const { metadata } = object;
          return (
            object.kind === kind &&
            metadata.name === name &&
            (metadata.namespace ?? null) === namespace &&
            validFrom > after
          );
        })
        .toSorted((a, b) => a.validFrom - b.validFrom),
  };
}
