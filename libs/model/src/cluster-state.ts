import { canonicalIp } from './ip.js';
import type {
  ClusterState,
  ContainerPort,
  NamespaceState,
  NodeState,
  PodEndpoint,
  ServiceBackend,
  ServicePort,
  ServiceState,
  Workload,
} from './cluster.js';
import type { KubernetesObject } from './object.js';
import { protocolFromName, type Protocol } from './protocol.js';

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A whole number; manifests written by hand may quote it. */
function integer(value: unknown): number | undefined {
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value);
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}

function stringMap(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}

function protocol(value: unknown): Protocol {
  return protocolFromName(text(value) ?? 'TCP') ?? 'TCP';
}

function addresses(values: readonly unknown[]): readonly string[] {
  const found = values.map((value) => canonicalIp(text(value) ?? '')).filter((ip) => ip !== undefined);
  return [...new Set(found)];
}

function containerPorts(spec: Fields): readonly ContainerPort[] {
  // Restartable init containers (sidecars) listen too; their ports can be named like any other.
  const containers = [...list(spec['containers']), ...list(spec['initContainers'])];
  return containers.flatMap((container) =>
    list(fields(container)['ports']).flatMap((entry) => {
      const port = integer(fields(entry)['containerPort']);
      if (port === undefined) return [];
      return [{ name: text(fields(entry)['name']), port, protocol: protocol(fields(entry)['protocol']) }];
    }),
  );
}

/**
 * The controller a pod is shown under. A ReplicaSet whose name is `<deployment>-<pod-template-hash>` stands for its
 * Deployment, since people know that one.
 */
export function workloadOfPod(pod: KubernetesObject): Workload {
  const namespace = pod.metadata.namespace ?? 'default';
  const owner =
    pod.metadata.ownerReferences?.find((reference) => reference.controller) ?? pod.metadata.ownerReferences?.[0];
  if (!owner) return { kind: 'Pod', namespace, name: pod.metadata.name };
  const hash = pod.metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)) {
    return { kind: 'Deployment', namespace, name: owner.name.slice(0, -hash.length - 1) };
  }
  return { kind: owner.kind, namespace, name: owner.name };
}

/** Reads a Pod object. Addresses come from `status.podIPs` and `status.podIP`, in that order, without repeats. */
export function podEndpointOf(pod: KubernetesObject): PodEndpoint {
  const spec = fields(pod.spec);
  const status = fields(pod.status);
  const podIps = list(status['podIPs']).map((entry) => fields(entry)['ip']);
  const ready = list(status['conditions']).find((condition) => fields(condition)['type'] === 'Ready');
  return {
    namespace: pod.metadata.namespace ?? 'default',
    name: pod.metadata.name,
    uid: text(pod.metadata.uid),
    labels: stringMap(pod.metadata.labels),
    ips: addresses([...podIps, status['podIP']]),
    node: text(spec['nodeName']),
    hostNetwork: spec['hostNetwork'] === true,
    serviceAccount: text(spec['serviceAccountName']) ?? text(spec['serviceAccount']) ?? 'default',
    ports: containerPorts(spec),
    workload: workloadOfPod(pod),
    phase: text(status['phase']),
    ready: ready === undefined ? undefined : fields(ready)['status'] === 'True',
    createdAt: text(pod.metadata.creationTimestamp),
    deletedAt: text(pod.metadata.deletionTimestamp),
  };
}

/** Reads a Namespace object; the label `kubernetes.io/metadata.name` is there whether written or not. */
function namespaceStateOf(namespace: KubernetesObject): NamespaceState {
  return {
    name: namespace.metadata.name,
    labels: { ...stringMap(namespace.metadata.labels), 'kubernetes.io/metadata.name': namespace.metadata.name },
    annotations: stringMap(namespace.metadata.annotations),
  };
}

function servicePort(entry: unknown): readonly ServicePort[] {
  const port = integer(fields(entry)['port']);
  if (port === undefined) return [];
  const target = fields(entry)['targetPort'];
  return [
    {
      name: text(fields(entry)['name']),
      port,
      targetPort: integer(target) ?? text(target) ?? port,
      nodePort: integer(fields(entry)['nodePort']),
      protocol: protocol(fields(entry)['protocol']),
    },
  ];
}

/** Reads a Service object; a headless one has no cluster address. */
function serviceStateOf(service: KubernetesObject): ServiceState {
  const spec = fields(service.spec);
  const ingress = list(fields(fields(service.status)['loadBalancer'])['ingress']).map((entry) => fields(entry)['ip']);
  return {
    namespace: service.metadata.namespace ?? 'default',
    name: service.metadata.name,
    type: text(spec['type']) ?? 'ClusterIP',
    ...(spec['clusterIP'] === 'None' ? { headless: true } : {}),
    clusterIps: addresses([...list(spec['clusterIPs']), spec['clusterIP']]),
    externalIps: addresses([...list(spec['externalIPs']), ...ingress, spec['loadBalancerIP']]),
    ports: list(spec['ports']).flatMap(servicePort),
    selector: spec['selector'] === undefined ? undefined : stringMap(spec['selector']),
    externalTrafficPolicy: text(spec['externalTrafficPolicy']),
    sourceRanges: list(spec['loadBalancerSourceRanges']).flatMap((range) => text(range) ?? []),
  };
}

function backendPorts(ports: unknown): ServiceBackend['ports'] {
  return list(ports).flatMap((entry) => {
    const port = integer(fields(entry)['port']);
    if (port === undefined) return [];
    return [{ name: text(fields(entry)['name']), port, protocol: protocol(fields(entry)['protocol']) }];
  });
}

function podOf(reference: unknown): string | undefined {
  return fields(reference)['kind'] === 'Pod' ? text(fields(reference)['name']) : undefined;
}

function backendsOfSlice(slice: KubernetesObject): readonly ServiceBackend[] {
  const namespace = slice.metadata.namespace ?? 'default';
  const service = slice.metadata.labels?.['kubernetes.io/service-name'] ?? '';
  const ports = backendPorts(slice['ports']);
  return list(slice['endpoints']).flatMap((endpoint) => {
    const pod = podOf(fields(endpoint)['targetRef']);
    const ready = fields(fields(endpoint)['conditions'])['ready'] !== false;
    return addresses(list(fields(endpoint)['addresses'])).map((ip) => ({ namespace, service, ip, ports, ready, pod }));
  });
}

function backendsOfEndpoints(object: KubernetesObject): readonly ServiceBackend[] {
  const namespace = object.metadata.namespace ?? 'default';
  const service = object.metadata.name;
  return list(object['subsets']).flatMap((subset) => {
    const ports = backendPorts(fields(subset)['ports']);
    const of = (key: string, ready: boolean) =>
      list(fields(subset)[key]).flatMap((entry) => {
        const pod = podOf(fields(entry)['targetRef']);
        return addresses([fields(entry)['ip']]).map((ip) => ({ namespace, service, ip, ports, ready, pod }));
      });
    return [...of('addresses', true), ...of('notReadyAddresses', false)];
  });
}

/** Reads a Node object: InternalIP and ExternalIP addresses, pod networks, labels. */
function nodeStateOf(node: KubernetesObject): NodeState {
  const spec = fields(node.spec);
  const status = list(fields(node.status)['addresses']);
  const ips = status.filter((entry) => fields(entry)['type'] !== 'Hostname').map((entry) => fields(entry)['address']);
  const cidrs = [...list(spec['podCIDRs']), spec['podCIDR']].flatMap((cidr) => text(cidr) ?? []);
  return {
    name: node.metadata.name,
    labels: stringMap(node.metadata.labels),
    ips: addresses(ips),
    podCidrs: [...new Set(cidrs)],
  };
}

/** Sorts the objects that were in force at one instant into what they are. */
export function clusterStateOf(objects: Iterable<KubernetesObject>): ClusterState {
  const state = {
    namespaces: [] as NamespaceState[],
    pods: [] as PodEndpoint[],
    services: [] as ServiceState[],
    backends: [] as ServiceBackend[],
    nodes: [] as NodeState[],
    others: [] as KubernetesObject[],
  };
  const slices = new Set<string>();
  const endpoints: KubernetesObject[] = [];
  for (const object of objects) {
    const core = object.apiVersion === 'v1';
    if (core && object.kind === 'Pod') state.pods.push(podEndpointOf(object));
    else if (core && object.kind === 'Namespace') state.namespaces.push(namespaceStateOf(object));
    else if (core && object.kind === 'Service') state.services.push(serviceStateOf(object));
    else if (core && object.kind === 'Node') state.nodes.push(nodeStateOf(object));
    else if (core && object.kind === 'Endpoints') endpoints.push(object);
    else if (object.kind === 'EndpointSlice') {
      const found = backendsOfSlice(object);
      for (const backend of found) slices.add(`${backend.namespace}/${backend.service}`);
      state.backends.push(...found);
    } else state.others.push(object);
  }
  // A Service has both for compatibility; its slices are the newer truth.
  for (const object of endpoints) {
    const mirrored = slices.has(`${object.metadata.namespace ?? 'default'}/${object.metadata.name}`);
    if (!mirrored) state.backends.push(...backendsOfEndpoints(object));
  }
  return state;
}
