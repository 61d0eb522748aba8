import {
  type ClusterState,
  type ConnectionEnd,
  type ExplainedEnd,
  type KubernetesObject,
  type NodeState,
  type PodEndpoint,
  type Protocol,
  type ServiceState,
} from '@whydrop/model';
import { createPolicyEngine, type PolicyEngine } from '@whydrop/policy';
import { createOwnerIndex, type OwnerIndex } from '@whydrop/ruleset';
import { evaluatedOnce, lookedUpOnce } from './like.js';

/** The cluster as it was at one instant, with everything that is looked up in it. */
export interface ClusterView {
  readonly state: ClusterState;
  readonly engine: PolicyEngine;
  readonly owners: OwnerIndex;
  podsByIp(ip: string): readonly PodEndpoint[];
  pod(namespace: string, name: string): PodEndpoint | undefined;
  nodeByIp(ip: string): NodeState | undefined;
  node(name: string): NodeState | undefined;
  serviceByIp(ip: string, port: number | undefined, protocol: Protocol): ServiceState | undefined;
}

function lazy<T>(make: () => T): () => T {
  let value: { readonly made: T } | undefined;
  return () => (value ??= { made: make() }).made;
}

function index<T>(items: readonly T[], keys: (item: T) => readonly string[]): ReadonlyMap<string, readonly T[]> {
  const map = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keys(item)) {
      const found = map.get(key);
      if (found) found.push(item);
      else map.set(key, [item]);
    }
  }
  return map;
}

function hasPort(service: ServiceState, port: number | undefined, protocol: Protocol): boolean {
  return port === undefined || service.ports.some((entry) => entry.port === port && entry.protocol === protocol);
}

/** Calico's WorkloadEndpoint says outright which interface is which pod's. */
function interfaceOf(object: KubernetesObject): readonly { name: string; namespace: string; pod: string }[] {
  const { kind, spec, metadata } = object;
  if (kind !== 'WorkloadEndpoint' || typeof spec !== 'object' || spec === null) return [];
  const name: unknown = Reflect.get(spec, 'interfaceName');
  const pod: unknown = Reflect.get(spec, 'pod');
  if (typeof name !== 'string' || typeof pod !== 'string') return [];
  return [{ name, namespace: metadata.namespace ?? 'default', pod }];
}

/** Of pods with one address, the one that has it comes first: not the one that is being deleted, and the younger. */
function byLiveness(a: PodEndpoint, b: PodEndpoint): number {
  const [goes, stays] = [a, b].map(({ deletedAt }) => (deletedAt === undefined ? 0 : 1));
  if (goes !== stays) return (goes ?? 0) - (stays ?? 0);
  const [one = '', other = ''] = [a.createdAt, b.createdAt];
  if (one === other) return 0;
  return one < other ? 1 : -1;
}

/** Prepares a state for look-ups; nothing is computed before it is asked for. */
export function createClusterView(state: ClusterState, objects: readonly KubernetesObject[]): ClusterView {
  // A pod that has ended keeps its address in its status while another may have got it.
  const live = state.pods.filter((pod) => pod.phase !== 'Succeeded' && pod.phase !== 'Failed');
  const byIp = lazy(() => index(live.filter((pod) => !pod.hostNetwork).toSorted(byLiveness), (pod) => pod.ips));
  const pods = lazy(() => new Map(state.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod])));
  const nodesByIp = lazy(() => index(state.nodes, (node) => node.ips));
  const nodes = lazy(() => new Map(state.nodes.map((node) => [node.name, node])));
  const services = lazy(() => index(state.services, (service) => [...service.clusterIps, ...service.externalIps]));
  const engine = lazy(() => evaluatedOnce(createPolicyEngine(state)));
  const owners = lazy(() =>
    lookedUpOnce(createOwnerIndex({ pods: state.pods, policies: objects, interfaces: objects.flatMap(interfaceOf) })),
  );
  return {
    state,
    get engine() {
      return engine();
    },
    get owners() {
      return owners();
    },
    podsByIp: (ip) => byIp().get(ip) ?? [],
    pod: (namespace, name) => pods().get(`${namespace}/${name}`),
    nodeByIp: (ip) => nodesByIp().get(ip)?.[0],
    node: (name) => nodes().get(name),
    serviceByIp: (ip, port, protocol) =>
      services()
        .get(ip)
        ?.find((service) => hasPort(service, port, protocol)),
  };
}

/** What is behind an address at the view's time; `nodeAddress` knows addresses of bridges and tunnels too. */
export function explainEnd(
  view: ClusterView,
  ip: string,
  nodeOfAddress: (ip: string) => string | undefined,
): ExplainedEnd {
  const none = { ip, pod: undefined, workload: undefined, node: undefined };
  const pod = view.podsByIp(ip)[0];
  if (pod) {
    const named = { namespace: pod.namespace, name: pod.name, uid: pod.uid };
    return { ip, pod: named, workload: pod.workload, node: pod.node, role: 'pod', label: pod.name };
  }
  const node = view.nodeByIp(ip)?.name ?? nodeOfAddress(ip);
  if (node !== undefined) return { ...none, node, role: 'node', label: `node ${node}` };
  const service = view.state.services.find((entry) => entry.clusterIps.includes(ip) || entry.externalIps.includes(ip));
  if (service) return { ...none, role: 'service', label: `service ${service.namespace}/${service.name}` };
  const known = view.state.pods.length > 0 || view.state.nodes.length > 0;
  return { ...none, role: known ? 'external' : 'unknown', label: ip };
}

/** The end as the policy engine asks for it. */
export function connectionEnd(end: ExplainedEnd): ConnectionEnd {
  if (end.pod) return { kind: 'pod', namespace: end.pod.namespace, name: end.pod.name, ip: end.ip };
  if (end.role === 'node' && end.node !== undefined) return { kind: 'node', name: end.node, ip: end.ip };
  return { kind: 'address', ip: end.ip };
}
