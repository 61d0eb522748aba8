import { clusterStateOf, type Instant, type KubernetesObject, type ObjectVersion } from '@whydrop/model';
import { createClusterView, type ClusterView } from './view.js';

/** How many instants' views are kept: explanations come in order of time, mostly from a few of them. */
const KEPT_VIEWS = 16;

/** An object before and after a change: `before` undefined when it was created, `after` when it was deleted. */
export interface Transition {
  readonly at: Instant;
  readonly before: KubernetesObject | undefined;
  readonly after: KubernetesObject | undefined;
}

/** The versions of a cluster's objects over some time: gives the cluster as it was at any instant of it. */
export interface ClusterHistory {
  at(instant: Instant): ClusterView;
  /** What came into force or ended over `(from, to]`, oldest first. */
  transitions(from: Instant, to: Instant): readonly Transition[];
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

function identityOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const group = apiVersion.split('/').slice(0, -1).join('/');
  return `${group} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Each version's beginning, and each end that no other version follows. */
function transitionsOf(versions: readonly ObjectVersion[]): readonly Transition[] {
  const objects = new Map<string, ObjectVersion[]>();
  for (const version of versions) {
    const key = identityOf(version.object);
    const own = objects.get(key);
    if (own) own.push(version);
    else objects.set(key, [version]);
  }
  const found = [...objects.values()].flatMap((own) => {
    const sorted = own.toSorted((a, b) => a.validFrom - b.validFrom);
    return sorted.flatMap(({ object, validFrom, validTo }, index): readonly Transition[] => {
      const [before, next] = [sorted[index - 1], sorted[index + 1]];
      const continued = before?.validTo === validFrom ? before.object : undefined;
      const begin = { at: validFrom, before: continued, after: object };
      if (validTo === undefined || next?.validFrom === validTo) return [begin];
      return [begin, { at: validTo, before: object, after: undefined }];
    });
  });
  return found.toSorted((a, b) => a.at - b.at);
}

/** Prepares versions for asking. Between two changes the same view is given, so what it has worked out is kept. */
export function createClusterHistory(versions: readonly ObjectVersion[]): ClusterHistory {
  const sorted = boundaries(versions);
  const views = new Map<number, ClusterView>();
  let all: readonly Transition[] | undefined;
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
    transitions(from, to) {
      all ??= transitionsOf(versions);
      return all.filter(({ at }) => at > from && at <= to);
    },
  };
}
