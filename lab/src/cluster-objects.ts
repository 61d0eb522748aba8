import { createHash } from 'node:crypto';
import { backendsOf } from './dialects/kube-proxy.js';
import { namespaceLabels } from './selectors.js';
import type { LabNode, LabPod, LabPolicy, LabService, Scenario } from './scenario.js';

type KubernetesObject = Readonly<Record<string, unknown>>;

/** A UID that is the same in every run. */
export function uidOf(...parts: readonly string[]): string {
  const hex = createHash('sha1').update(parts.join('/')).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

interface Meta {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function metadata(meta: Meta, createdAt: string, more: KubernetesObject = {}, revision = 0): KubernetesObject {
  const version = createHash('sha1')
    .update(`${meta.kind}/${meta.namespace ?? ''}/${meta.name}`)
    .digest()
    .readUInt16BE(0);
  return {
    name: meta.name,
    ...(meta.namespace === undefined ? {} : { namespace: meta.namespace }),
    uid: uidOf(meta.kind, meta.namespace ?? '', meta.name),
    resourceVersion: `${100_000 + version + revision}`,
    creationTimestamp: createdAt,
    ...(meta.labels && Object.keys(meta.labels).length > 0 ? { labels: meta.labels } : {}),
    ...(meta.annotations ? { annotations: meta.annotations } : {}),
    ...more,
  };
}

function nodeObject(node: LabNode, createdAt: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: metadata({ kind: 'Node', name: node.name, labels: { 'kubernetes.io/hostname': node.name } }, createdAt),
    spec: { podCIDR: node.podCidr, podCIDRs: [node.podCidr] },
    status: {
      addresses: [
        { type: 'InternalIP', address: node.ip },
        { type: 'Hostname', address: node.name },
      ],
    },
  };
}

/** A Pod as the API shows it. */
export function podObject(pod: LabPod, scenario: Pick<Scenario, 'nodes'>, createdAt: string): KubernetesObject {
  const host = scenario.nodes.find((node) => node.name === pod.node)?.ip;
  const { owner } = pod;
  const reference = owner && {
    apiVersion: 'apps/v1',
    kind: owner.kind,
    name: owner.name,
    uid: uidOf(owner.kind, pod.namespace, owner.name),
    controller: true,
    blockOwnerDeletion: true,
  };
  const ready = pod.ready === false ? 'False' : 'True';
  const ports = pod.ports.map((port) => ({
    ...(port.name ? { name: port.name } : {}),
    containerPort: port.port,
    protocol: port.protocol ?? 'TCP',
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata({ kind: 'Pod', ...pod }, createdAt, reference ? { ownerReferences: [reference] } : {}),
    spec: {
      nodeName: pod.node,
      serviceAccountName: 'default',
      containers: [{ name: 'main', image: 'example.org/lab', ...(ports.length > 0 ? { ports } : {}) }],
    },
    status: {
      phase: 'Running',
      hostIP: host,
      podIP: pod.ip,
      podIPs: [{ ip: pod.ip }],
      startTime: createdAt,
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: createdAt }],
    },
  };
}

function serviceObject(service: LabService, createdAt: string): KubernetesObject {
  const ports = service.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' }));
  const type = service.ports.some((port) => port.nodePort !== undefined) ? 'NodePort' : 'ClusterIP';
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata({ kind: 'Service', namespace: service.namespace, name: service.name }, createdAt),
    spec: {
      type,
      clusterIP: service.clusterIp,
      clusterIPs: [service.clusterIp],
      selector: service.selector,
      ports,
      ...service.spec,
    },
    ...(service.status ? { status: service.status } : {}),
  };
}

/** The EndpointSlice of a service: its ready pods. */
export function sliceObject(service: LabService, scenario: Scenario, createdAt: string): KubernetesObject {
  const pods = backendsOf(scenario, service);
  const name = `${service.name}-lab00`;
  const labels = { 'kubernetes.io/service-name': service.name };
  const target = (value: number | string) =>
    typeof value === 'number' ? value : pods[0]?.ports.find((port) => port.name === value)?.port;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata({ kind: 'EndpointSlice', namespace: service.namespace, name, labels }, createdAt),
    addressType: 'IPv4',
    endpoints: pods.map((pod) => ({
      addresses: [pod.ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: pod.node,
      targetRef: { kind: 'Pod', namespace: pod.namespace, name: pod.name, uid: uidOf('Pod', pod.namespace, pod.name) },
    })),
    ports: service.ports.map((port) => ({
      name: port.name ?? '',
      port: target(port.targetPort),
      protocol: port.protocol ?? 'TCP',
    })),
  };
}

/** `revision` counts the changes of the object. */
export function policyObject(policy: LabPolicy, createdAt: string, revision = 0): KubernetesObject {
  const uidKind = policy.kind === 'kubernetes' ? 'NetworkPolicy' : 'CalicoPolicy';
  const { namespace, name } = policy;
  const named = { kind: uidKind, name, ...(namespace === undefined ? {} : { namespace }) };
  const meta = metadata(named, createdAt, {}, revision);
  if (policy.kind === 'kubernetes') {
    const apiVersion = policy.apiVersion ?? 'networking.k8s.io/v1';
    return { apiVersion, kind: 'NetworkPolicy', metadata: meta, spec: policy.spec };
  }
  const kind = namespace === undefined ? 'GlobalNetworkPolicy' : 'NetworkPolicy';
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: meta, spec: { tier: 'default', ...policy.spec } };
}

function tierObjects(scenario: Scenario, createdAt: string): readonly KubernetesObject[] {
  if (!scenario.policies.some((policy) => policy.kind === 'calico') && !scenario.tiers) return [];
  const tiers = [{ name: 'default', order: 1_000_000, defaultAction: 'Deny' as const }, ...(scenario.tiers ?? [])];
  return tiers.map(({ name, order, defaultAction = 'Deny' }) => ({
    apiVersion: 'projectcalico.org/v3',
    kind: 'Tier',
    metadata: metadata({ kind: 'Tier', name }, createdAt),
    spec: { order, defaultAction },
  }));
}

/** The objects of a scenario by file name; all exist since `createdAt`, which lies before the capture. */
export function clusterObjects(
  scenario: Scenario,
  createdAt: string,
): ReadonlyMap<string, readonly KubernetesObject[]> {
  const namespaces = scenario.namespaces.map((namespace) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: metadata(
      { kind: 'Namespace', ...namespace, labels: namespaceLabels(namespace, namespace.name) },
      createdAt,
    ),
  }));
  const services = scenario.services.map((service) => serviceObject(service, createdAt));
  const slices = scenario.services.map((service) => sliceObject(service, scenario, createdAt));
  const files = new Map<string, readonly KubernetesObject[]>([
    ['nodes.yaml', scenario.nodes.map((node) => nodeObject(node, createdAt))],
    ['namespaces.yaml', namespaces],
    ['pods.yaml', scenario.pods.filter((pod) => !pod.unlisted).map((pod) => podObject(pod, scenario, createdAt))],
    ['services.yaml', [...services, ...slices]],
    ['policies.yaml', scenario.policies.map((policy) => policyObject(policy, createdAt))],
    ['other.yaml', [...tierObjects(scenario, createdAt), ...(scenario.objects ?? [])]],
  ]);
  return new Map([...files].filter(([, objects]) => objects.length > 0));
}
