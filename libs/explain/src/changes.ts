import {
  type Change,
  type ConnectionQuery,
  type DirectionVerdict,
  type ExplainedEnd,
  type Instant,
  type PolicyRef,
  workloadOfPod,
} from '@whydrop/model';
import { isPolicy } from '@whydrop/policy';
import { changeOf, isAlike, kindOf, labelDifference } from './change-text.js';
import type { ClusterHistory, Transition } from './history.js';
import { connectionEnd } from './view.js';

/** How far back something counts as "just before", in µs. */
const JUST_BEFORE = 600_000_000;

/** The first drop of a group: what it is to be held against. */
export interface FirstDrop {
  readonly at: Instant;
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly protocol: ConnectionQuery['protocol'];
  readonly destinationPort: number | undefined;
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
  readonly policies: readonly PolicyRef[];
}

function objectOf({ before, after }: Transition) {
  return after ?? before;
}

function decision({ verdict, isolatedBy, decidedBy }: DirectionVerdict): unknown {
  const names = [...isolatedBy, ...decidedBy.map((hit) => hit.policy)];
  return [verdict, names.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`).toSorted()];
}

/** Whether the policies judged the connection otherwise before the change. */
function bearsOn(history: ClusterHistory, drop: FirstDrop, at: Instant): boolean {
  const { protocol, destinationPort: port } = drop;
  const query = { source: connectionEnd(drop.source), destination: connectionEnd(drop.destination), protocol, port };
  const [before, after] = [at - 1, at].map((instant) => history.at(instant).engine.evaluate(query));
  if (!before || !after) return false;
  return !isAlike(
    [decision(before.egress), decision(before.ingress)],
    [decision(after.egress), decision(after.ingress)],
  );
}

function policyChange(history: ClusterHistory, drop: FirstDrop, change: Transition): readonly Change[] {
  const object = objectOf(change);
  if (!object || !isPolicy(object)) return [];
  const { before, after, at } = change;
  if (before && after && isAlike(before['spec'], after['spec'])) return [];
  const cited = drop.policies.some(
    ({ kind, namespace, name }) =>
      kind === kindOf(object) && namespace === (object.metadata.namespace ?? null) && name === object.metadata.name,
  );
  if (!cited && !bearsOn(history, drop, at)) return [];
  return [changeOf(before ? (after ? 'edited' : 'deleted') : 'created', object, at, { after })];
}

function namespaceChange(drop: FirstDrop, { before, after, at }: Transition): readonly Change[] {
  if (before?.kind !== 'Namespace' || !after) return [];
  const ends = [drop.source, drop.destination].map((end) => end.pod?.namespace);
  const detail = labelDifference(before, after);
  return ends.includes(after.metadata.name) && detail !== ''
    ? [changeOf('relabelled', after, at, { detail: `: ${detail}` })]
    : [];
}

function isEnd(drop: FirstDrop, namespace: string | undefined, name: string): boolean {
  return [drop.source, drop.destination].some((end) => end.pod?.namespace === namespace && end.pod?.name === name);
}

function podChange(drop: FirstDrop, { before, after, at }: Transition): readonly Change[] {
  const object = after ?? before;
  if (object?.kind !== 'Pod' || !isEnd(drop, object.metadata.namespace, object.metadata.name)) return [];
  if (!before && after) return [changeOf('created', after, at)];
  if (before && !after) return [changeOf('deleted', before, at)];
  const detail = before && after ? labelDifference(before, after) : '';
  return detail === '' ? [] : [changeOf('relabelled', object, at, { after, detail: `: ${detail}` })];
}

/** Pods of an end's workload that came and went: one line for all of them. */
function rollouts(drop: FirstDrop, all: readonly Transition[]): readonly Change[] {
  return [drop.source, drop.destination].flatMap(({ workload }): readonly Change[] => {
    const own = all.filter((change) => {
      const object = objectOf(change);
      if (object?.kind !== 'Pod' || !workload || workload.kind === 'Pod') return false;
      const { kind, namespace, name } = workloadOfPod(object);
      return kind === workload.kind && namespace === workload.namespace && name === workload.name;
    });
    const gone = own.filter(({ after }) => !after).length;
    const came = own.filter(({ before }) => !before);
    const last = came.at(-1);
    if (!workload || !last || gone === 0) return [];
    const detail = ` was rolled out: ${came.length} pod${came.length === 1 ? '' : 's'} created, ${gone} deleted`;
    const { kind, namespace, name } = workload;
    const sentence = `${kind} ${namespace}/${name}${detail}`;
    return [
      { kind: 'rolled-out', object: { kind, namespace, name }, at: last.at, resourceVersion: undefined, sentence },
    ];
  });
}

function endpointChange(drop: FirstDrop, { before, after, at }: Transition): readonly Change[] {
  const object = after ?? before;
  const { service } = drop;
  if (!object || !service || (object.kind !== 'EndpointSlice' && object.kind !== 'Endpoints')) return [];
  const { namespace, name, labels } = object.metadata;
  const own = object.kind === 'Endpoints' ? name : labels?.['kubernetes.io/service-name'];
  if (namespace !== service.namespace || own !== service.name) return [];
  const backends = (one: typeof before) => [one?.['endpoints'], one?.['subsets'], one?.['ports']];
  if (isAlike(backends(before), backends(after))) return [];
  const ref = { kind: 'Service', namespace: service.namespace, name: service.name };
  const resourceVersion = after?.metadata.resourceVersion;
  const sentence = `Service ${service.namespace}/${service.name} got other endpoints`;
  return [{ kind: 'endpoints', object: ref, at, resourceVersion, sentence }];
}

/**
 * What changed in the ten minutes before a group's first drop and bears on it: policies that cite or judge it otherwise,
 * labels of either end and its namespace, a rollout, endpoints of the service. The latest first.
 */
export function changesBefore(history: ClusterHistory, drop: FirstDrop): readonly Change[] {
  const all = history.transitions(drop.at - JUST_BEFORE, drop.at);
  const single = all.flatMap((change) => [
    ...policyChange(history, drop, change),
    ...namespaceChange(drop, change),
    ...podChange(drop, change),
    ...endpointChange(drop, change),
  ]);
  const found = [...single, ...rollouts(drop, all)];
  return found.toSorted((a, b) => b.at - a.at || (a.sentence < b.sentence ? -1 : 1));
}
