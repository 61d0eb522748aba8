import type { KubernetesObject, PolicyDirection, PolicyRef, RuleMiss } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import { carriesPorts } from '../criteria.js';
import type { Connection, End } from '../end.js';
import { fieldsOf } from '../yaml-value.js';
import type { AddOperation } from './patch.js';

/** A change that may admit the connection. */
export interface Candidate {
  readonly policy: PolicyRef;
  readonly object: KubernetesObject;
  /** Undefined: the object itself is new. */
  readonly operation: AddOperation | undefined;
  /** What is changed, for a sentence. */
  readonly what: string;
}

/** Labels that controllers add to each pod: a rule that named them would not outlive the next rollout. */
const PASSING = [
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
];

function stableLabels(end: End): Readonly<Record<string, string>> {
  return Object.fromEntries([...end.labels].filter(([key]) => !PASSING.includes(key)));
}

function hostNetwork(end: End): string {
  const ip = end.ips?.[0];
  return ip ? `${ip.text}/${ip.family === 'inet' ? 32 : 128}` : '';
}

function kubernetesPeer(end: End, namespace: string): object | undefined {
  if (end.kind !== 'pod') return end.ips ? { ipBlock: { cidr: hostNetwork(end) } } : undefined;
  const pods = { podSelector: { matchLabels: stableLabels(end) } };
  const own = end.namespace?.name ?? 'default';
  if (own === namespace) return pods;
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': own } }, ...pods };
}

function kubernetesPorts({ protocol, port }: Connection): readonly object[] {
  return carriesPorts(protocol) && port !== undefined ? [{ protocol, port }] : [];
}

function keyOf(direction: PolicyDirection): 'from' | 'to' {
  return direction === 'ingress' ? 'from' : 'to';
}

function has(object: KubernetesObject, path: readonly (string | number)[]): boolean {
  let value: unknown = object;
  for (const key of path) value = Array.isArray(value) ? (value[Number(key)] as unknown) : fieldsOf(value)[String(key)];
  return Array.isArray(value);
}

/** Appends to a list, or makes it where there is none. */
function append(object: KubernetesObject, path: readonly (string | number)[], value: unknown): AddOperation {
  return has(object, path) ? { op: 'add', path: [...path, '-'], value } : { op: 'add', path, value: [value] };
}

/** One more peer or port for a rule that fails in nothing else. */
function widened(
  policy: CompiledPolicy,
  miss: RuleMiss,
  peer: object | undefined,
  connection: Connection,
): readonly Candidate[] {
  const isPort = miss.failed.every(({ field }) => field === 'port' || field === 'namedPort' || field === 'protocol');
  const isPeer = miss.failed.every(({ field }) => field !== 'port' && field !== 'namedPort' && field !== 'protocol');
  const rule = ['spec', miss.direction, miss.rule];
  const { object, ref } = policy;
  if (isPeer && peer) {
    const operation = append(object, [...rule, keyOf(miss.direction)], peer);
    return [{ policy: ref, object, operation, what: `one more peer for ${miss.direction}[${miss.rule}]` }];
  }
  const [port] = kubernetesPorts(connection);
  if (!isPort || !port) return [];
  const operation = append(object, [...rule, 'ports'], port);
  return [{ policy: ref, object, operation, what: `one more port for ${miss.direction}[${miss.rule}]` }];
}

function unionCandidates(
  policy: CompiledPolicy,
  direction: PolicyDirection,
  connection: Connection,
  peerEnd: End,
  misses: readonly RuleMiss[],
): readonly Candidate[] {
  const { object, ref } = policy;
  const peer = kubernetesPeer(peerEnd, ref.namespace ?? 'default');
  const ports = kubernetesPorts(connection);
  const own = misses.filter((miss) => miss.policy === ref).slice(0, 2);
  const wider = own.flatMap((miss) => widened(policy, miss, peer, connection));
  if (!peer) return wider;
  const rule = { [keyOf(direction)]: [peer], ...(ports.length > 0 ? { ports } : {}) };
  const operation = append(object, ['spec', direction], rule);
  return [...wider, { policy: ref, object, operation, what: `a rule more for ${direction}` }];
}

function calicoEntity(end: End, namespace: string | null): object | undefined {
  if (end.kind !== 'pod') return end.ips ? { nets: [hostNetwork(end)] } : undefined;
  const terms = Object.entries(stableLabels(end)).map(([key, value]) => `${key} == '${value}'`);
  const selector = terms.join(' && ') || 'all()';
  const own = end.namespace?.name ?? 'default';
  return namespace === own ? { selector } : { namespaceSelector: `projectcalico.org/name == '${own}'`, selector };
}

function calicoRule(
  policy: CompiledPolicy,
  direction: PolicyDirection,
  connection: Connection,
  peer: End,
): object | undefined {
  const entity = calicoEntity(peer, policy.ref.namespace);
  if (!entity) return undefined;
  const { protocol, port } = connection;
  const ports = carriesPorts(protocol) && port !== undefined ? { ports: [port] } : {};
  const rule = { action: 'Allow', protocol };
  if (direction === 'egress') return { ...rule, destination: { ...entity, ...ports } };
  return port === undefined ? { ...rule, source: entity } : { ...rule, source: entity, destination: ports };
}

function clusterRule(
  policy: CompiledPolicy,
  direction: PolicyDirection,
  connection: Connection,
  peer: End,
): object | undefined {
  const isCluster = policy.ref.kind === 'ClusterNetworkPolicy';
  const { protocol, port } = connection;
  const own = peer.namespace?.name ?? 'default';
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': own } };
  const pods = { pods: { namespaceSelector, podSelector: { matchLabels: stableLabels(peer) } } };
  if (peer.kind !== 'pod' && (direction === 'ingress' || !peer.ips)) return undefined;
  const peers = [peer.kind === 'pod' ? pods : { networks: [hostNetwork(peer)] }];
  const base = { action: isCluster ? 'Accept' : 'Allow', [keyOf(direction)]: peers };
  if (!carriesPorts(protocol) || port === undefined) return base;
  if (!isCluster) return { ...base, ports: [{ portNumber: { protocol, port } }] };
  return { ...base, protocols: [{ [protocol.toLowerCase()]: { destinationPort: { number: port } } }] };
}

/** A rule for a policy with an order: before the rule that denies, or behind its last one. */
function ruleCandidate(
  policy: CompiledPolicy,
  direction: PolicyDirection,
  rule: object | undefined,
  before: number | undefined,
): readonly Candidate[] {
  if (!rule) return [];
  const { object, ref } = policy;
  const list = ['spec', direction];
  const operation: AddOperation =
    before === undefined ? append(object, list, rule) : { op: 'add', path: [...list, before], value: rule };
  const place = before === undefined ? '' : `, before ${direction}[${before}]`;
  return [{ policy: ref, object, operation, what: `a rule more for ${direction}${place}` }];
}

function newPolicy(end: End, direction: PolicyDirection, connection: Connection, peerEnd: End): readonly Candidate[] {
  const namespace = end.namespace?.name ?? 'default';
  const peer = kubernetesPeer(peerEnd, namespace);
  if (!peer) return [];
  const ports = kubernetesPorts(connection);
  const rule = { [keyOf(direction)]: [peer], ...(ports.length > 0 ? { ports } : {}) };
  const object: KubernetesObject = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `allow-${end.label}`, namespace },
    spec: {
      podSelector: { matchLabels: stableLabels(end) },
      policyTypes: [direction === 'ingress' ? 'Ingress' : 'Egress'],
      [direction]: [rule],
    },
  };
  const policy: PolicyRef = {
    kind: 'NetworkPolicy',
    namespace,
    name: object.metadata.name,
    uid: undefined,
    resourceVersion: undefined,
    tier: 'default',
  };
  return [{ policy, object, operation: undefined, what: 'a new policy' }];
}

/** What was denied, and by whom. */
export interface Denial {
  readonly direction: PolicyDirection;
  readonly connection: Connection;
  /** The policies that isolate, or the one whose rule denies. */
  readonly policies: readonly CompiledPolicy[];
  /** The rule that denies; undefined for a default deny. */
  readonly rule: number | undefined;
  readonly misses: readonly RuleMiss[];
}

/** Changes that may admit a denied connection, for the policies that deny it. */
export function candidatesFor({ direction, connection, policies, rule, misses }: Denial): readonly Candidate[] {
  const { source, destination } = connection;
  const [subject, peer] = direction === 'ingress' ? [destination, source] : [source, destination];
  return policies.flatMap((policy) => {
    if (policy.ref.kind === 'Namespace') return newPolicy(subject, direction, connection, peer);
    switch (policy.family) {
      case 'union':
        return unionCandidates(policy, direction, connection, peer, misses);
      case 'priority':
        return ruleCandidate(policy, direction, clusterRule(policy, direction, connection, peer), rule);
      case 'ordered':
        return ruleCandidate(policy, direction, calicoRule(policy, direction, connection, peer), rule);
    }
  });
}
