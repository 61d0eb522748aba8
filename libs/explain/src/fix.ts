import { createHash } from 'node:crypto';
import type { Cause, ConnectionQuery, PodEndpoint, PolicyFix } from '@whydrop/model';
import { proposeFix } from '@whydrop/policy';
import { type Case, policyQuery } from './case.js';
import { queryText, remembered } from './like.js';
import { type ClusterView, connectionEnd } from './view.js';

/** Fixes by question and by all that they hang on: most changes of a cluster (a pod's status) leave them as they are. */
const known = new Map<string, readonly PolicyFix[]>();
const KEPT = 10_000;
const worlds = new WeakMap<ClusterView, string>();
/** The same by the question as it comes, before replicas are taken together. */
const alikeQuestions = new WeakMap<ClusterView, ReturnType<typeof remembered<readonly PolicyFix[]>>>();
const alike = new WeakMap<ClusterView, ReadonlyMap<string, PodEndpoint>>();

function likeness({ workload, labels, hostNetwork }: PodEndpoint): string {
  return JSON.stringify([workload, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)), hostNetwork]);
}

/** For each pod the first by name of those that policies cannot tell from it. */
function firstAlike(view: ClusterView): ReadonlyMap<string, PodEndpoint> {
  const found = alike.get(view);
  if (found) return found;
  const firsts = new Map<string, PodEndpoint>();
  for (const pod of view.state.pods) {
    const first = firsts.get(likeness(pod));
    if (!first || pod.name < first.name) firsts.set(likeness(pod), pod);
  }
  const made = new Map(
    view.state.pods.map((pod) => [`${pod.namespace}/${pod.name}`, firsts.get(likeness(pod)) ?? pod]),
  );
  alike.set(view, made);
  return made;
}

/** A hash of everything in a state that a fix can hang on. */
function worldOf(view: ClusterView): string {
  const found = worlds.get(view);
  if (found !== undefined) return found;
  const { others, namespaces, nodes, pods, services, backends } = view.state;
  const written = JSON.stringify([others, namespaces, nodes]);
  const kinds = new Set(pods.map((pod) => JSON.stringify([likeness(pod), pod.ports, pod.serviceAccount, pod.phase])));
  // Only rules for addresses and services tell the pods of a workload apart.
  const places = /cidr|nets|services/i.test(written)
    ? [pods.map((pod) => [pod.name, pod.ips]), services, backends]
    : [];
  const text = JSON.stringify([written, [...kinds].toSorted(), places]);
  const world = createHash('sha256').update(text).digest('base64url');
  worlds.set(view, world);
  return world;
}

type End = ConnectionQuery['source'];

function firstOf(view: ClusterView, end: End): End {
  if (end.kind !== 'pod') return end;
  const first = firstAlike(view).get(`${end.namespace}/${end.name}`);
  const ip = first?.ips.find((address) => address.includes(':') === (end.ip?.includes(':') ?? false));
  return first && ip !== undefined ? { kind: 'pod', namespace: first.namespace, name: first.name, ip } : end;
}

/** The question for one pod of each workload, so that its replicas share the answer; not where addresses decide. */
function shared(subject: Case, query: ConnectionQuery): ConnectionQuery {
  const { egress, ingress } = subject.policies;
  const misses = [...egress.misses, ...ingress.misses];
  const byAddress = misses.some(({ failed }) => failed.some(({ field }) => /ipBlock|nets|cidr|except/i.test(field)));
  if (byAddress) return query;
  return {
    ...query,
    source: firstOf(subject.view, query.source),
    destination: firstOf(subject.view, query.destination),
  };
}

function proposed(subject: Case, query: ConnectionQuery): readonly PolicyFix[] {
  const { view } = subject;
  const like = alikeQuestions.get(view) ?? remembered<readonly PolicyFix[]>();
  alikeQuestions.set(view, like);
  return like(queryText(query), () => {
    const asked = shared(subject, query);
    const key = `${worldOf(view)} ${JSON.stringify(asked)}`;
    const found = known.get(key) ?? proposeFix(view.state, asked);
    if (known.size >= KEPT) known.clear();
    known.set(key, found);
    return found;
  });
}

/** Where NAT hid the client from the policies, they have to see it first: a rule for the node's address admits everybody. */
function unhidden(subject: Case): readonly PolicyFix[] {
  const named = subject.original?.service;
  const service = subject.view.state.services.find(
    ({ namespace, name }) => namespace === named?.namespace && name === named.name,
  );
  if (!service || service.externalTrafficPolicy === 'Local' || service.type === 'ClusterIP') return [];
  const query = { ...policyQuery(subject), source: connectionEnd(subject.source) };
  const admitted = subject.view.engine.verdict(query) === 'allowed';
  const more = admitted ? [] : proposed(subject, query);
  if (!admitted && more.length === 0) return [];
  const { namespace, name } = service;
  const then = admitted ? 'they admit' : 'they can be made to admit, as follows';
  const patch = `# Service ${namespace}/${name}\n- op: add\n  path: /spec/externalTrafficPolicy\n  value: Local\n`;
  const sentence = `externalTrafficPolicy: Local on Service ${namespace}/${name} shows the policies the client's own address, which ${then}; clients must then reach a node that has an endpoint`;
  return [{ policy: undefined, patch, sentence, alsoAdmits: [] }, ...more];
}

const POLICY: ReadonlySet<Cause> = new Set(['POLICY_EXPLICIT_DENY', 'POLICY_DEFAULT_DENY']);

/**
 * Changes that would admit a drop, each tried out on the cluster as of then. None where the cause is no policy, and none
 * where the policies as they are known would not have denied it.
 */
export function fixOf(subject: Case, cause: Cause, contributing: readonly Cause[]): readonly PolicyFix[] {
  if (!POLICY.has(cause) || subject.policies.verdict !== 'denied') return [];
  if (contributing.includes('CLIENT_HIDDEN_BY_SNAT')) return unhidden(subject);
  return proposed(subject, policyQuery(subject));
}
