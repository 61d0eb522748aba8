import type { ClusterState, ConnectionEnd, NodeState, PodEndpoint } from '@whydrop/model';
import { addressOf, type Address } from './address.js';
import type { End, NamespaceView } from './end.js';
import type { Labels } from './label-selector.js';

const NO_LABELS: Labels = new Map();
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Finds ends by pod name and by address. Everything is looked up on demand and kept for the life of the engine. */
export interface ClusterView {
  readonly state: ClusterState;
  readonly end: (end: ConnectionEnd) => End;
  readonly endOfPod: (pod: PodEndpoint, ip?: string) => End;
  /** Whether other ends of the same class were met: then what is true of one is worth keeping for them. */
  readonly isShared: (end: End) => boolean;
  readonly namespace: (name: string) => NamespaceView;
  readonly pod: (namespace: string, name: string) => PodEndpoint | undefined;
  /** All namespaces that are declared or that a pod lives in. */
  readonly namespaceNames: () => readonly string[];
}

/** A pod that has ended has no address any more. */
function isFinished(pod: PodEndpoint): boolean {
  return pod.phase === 'Succeeded' || pod.phase === 'Failed';
}

function addresses(texts: readonly string[]): readonly Address[] {
  return texts.flatMap((text) => addressOf(text) ?? []);
}

function classKey(pod: PodEndpoint): string {
  const labels = Object.entries(pod.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    pod.namespace,
    labels,
    pod.serviceAccount,
    pod.hostNetwork,
    pod.ports,
    pod.hostNetwork && pod.node,
  ]);
}

class View implements ClusterView {
  private pods: Map<string, Map<string, PodEndpoint>> | undefined;
  private byAddress: Map<string, { pod?: PodEndpoint; node?: NodeState }> | undefined;
  private readonly namespaces = new Map<string, NamespaceView>();
  private declared: Map<string, ClusterState['namespaces'][number]> | undefined;
  private readonly podEnds = new Map<PodEndpoint, End>();
  private readonly otherEnds = new Map<string, End>();
  private readonly classes = new Map<string, number>();
  private readonly sizes = new Map<number, number>();
  private nextId = 0;

  constructor(readonly state: ClusterState) {}

  readonly isShared = (end: End): boolean => (this.sizes.get(end.classId) ?? 1) > 1;

  readonly pod = (namespace: string, name: string): PodEndpoint | undefined => {
    this.pods ??= this.podsByName();
    return this.pods.get(namespace)?.get(name);
  };

  readonly namespace = (name: string): NamespaceView => {
    const known = this.namespaces.get(name);
    if (known) return known;
    this.declared ??= new Map(this.state.namespaces.map((namespace) => [namespace.name, namespace]));
    const declared = this.declared.get(name);
    const labels = new Map([...Object.entries(declared?.labels ?? {}), [NAME_LABEL, name]] as [string, string][]);
    const view = { name, labels, annotations: new Map(Object.entries(declared?.annotations ?? {})) };
    this.namespaces.set(name, view);
    return view;
  };

  readonly namespaceNames = (): readonly string[] => [
    ...new Set([
      ...this.state.namespaces.map(({ name }) => name),
      ...this.state.pods.map(({ namespace }) => namespace),
    ]),
  ];

  readonly end = (end: ConnectionEnd): End => {
    switch (end.kind) {
      case 'pod': {
        const pod = this.pod(end.namespace, end.name);
        return pod ? this.endOfPod(pod, end.ip) : this.endOfUnknownPod(end.namespace, end.name, end.ip);
      }
      case 'node': {
        const node = this.state.nodes.find(({ name }) => name === end.name);
        return this.endOfNode(end.name, end.ip === undefined ? node?.ips : [end.ip]);
      }
      case 'address':
        return this.endOfAddress(end.ip);
    }
  };

  readonly endOfPod = (pod: PodEndpoint, ip?: string): End => {
    const known = this.podEnds.get(pod);
    const end = known ?? this.makePodEnd(pod);
    if (!known) this.podEnds.set(pod, end);
    if (ip === undefined || (pod.ips.length === 1 && pod.ips[0] === ip)) return end;
    return this.remember(`pod ${end.id} ${ip}`, () => ({ ...end, id: this.nextId++, ips: addresses([ip]) }));
  };

  private makePodEnd(pod: PodEndpoint): End {
    const ips = this.ipsOfPod(pod);
    const node = pod.node ?? (pod.hostNetwork ? this.nodeWith(pod.ips) : undefined);
    const key = classKey(pod);
    const classId = this.classes.get(key) ?? this.nextId++;
    this.classes.set(key, classId);
    this.sizes.set(classId, (this.sizes.get(classId) ?? 0) + 1);
    return {
      id: this.nextId++,
      classId,
      kind: pod.hostNetwork ? 'node' : 'pod',
      pod,
      namespace: this.namespace(pod.namespace),
      labels: pod.hostNetwork ? NO_LABELS : new Map(Object.entries(pod.labels)),
      node,
      nodeLabels: pod.hostNetwork && node !== undefined ? this.labelsOfNode(node) : undefined,
      nodesKnown: this.state.nodes.length > 0,
      ips,
      label: pod.name,
    };
  }

  /** A pod in the host's network has the address of its node. */
  private nodeWith(ips: readonly string[]): string | undefined {
    return this.state.nodes.find((node) => node.ips.some((ip) => ips.includes(ip)))?.name;
  }

  private ipsOfPod(pod: PodEndpoint): readonly Address[] | undefined {
    const own = addresses(pod.ips);
    if (own.length > 0) return own;
    const node = pod.hostNetwork ? this.state.nodes.find(({ name }) => name === pod.node) : undefined;
    return node && node.ips.length > 0 ? addresses(node.ips) : undefined;
  }

  private endOfUnknownPod(namespace: string, name: string, ip: string | undefined): End {
    return this.remember(`unknown ${namespace}/${name} ${ip}`, () => ({
      ...this.bare(name),
      kind: 'pod',
      namespace: this.namespace(namespace),
      ips: ip === undefined ? undefined : addresses([ip]),
    }));
  }

  private endOfNode(name: string, ips: readonly string[] | undefined): End {
    return this.remember(`node ${name} ${ips?.join()}`, () => ({
      ...this.bare(`node ${name}`),
      kind: 'node',
      node: name,
      nodeLabels: this.labelsOfNode(name),
      ips: ips && ips.length > 0 ? addresses(ips) : undefined,
    }));
  }

  private endOfAddress(ip: string): End {
    const address = addressOf(ip);
    this.byAddress ??= this.endsByAddress();
    const owner = this.byAddress.get(address?.text ?? ip);
    if (owner?.pod && !owner.node) return this.endOfPod(owner.pod, address?.text ?? ip);
    if (owner?.node) return this.endOfNode(owner.node.name, [address?.text ?? ip]);
    return this.remember(`address ${address?.text ?? ip}`, () => ({
      ...this.bare(address?.text ?? ip),
      ips: address ? [address] : undefined,
    }));
  }

  private bare(label: string): End {
    const id = this.nextId++;
    const nothing = { pod: undefined, namespace: undefined, node: undefined, nodeLabels: undefined, ips: undefined };
    return {
      id,
      classId: id,
      kind: 'address',
      labels: NO_LABELS,
      nodesKnown: this.state.nodes.length > 0,
      label,
      ...nothing,
    };
  }

  private labelsOfNode(name: string): Labels | undefined {
    const node = this.state.nodes.find((one) => one.name === name);
    return node && new Map(Object.entries(node.labels));
  }

  private remember(key: string, make: () => End): End {
    const known = this.otherEnds.get(key) ?? make();
    this.otherEnds.set(key, known);
    return known;
  }

  private podsByName(): Map<string, Map<string, PodEndpoint>> {
    const byName = new Map<string, Map<string, PodEndpoint>>();
    for (const pod of this.state.pods) {
      const pods = byName.get(pod.namespace) ?? new Map<string, PodEndpoint>();
      pods.set(pod.name, pod);
      byName.set(pod.namespace, pods);
    }
    return byName;
  }

  /** A pod's own address is that pod; an address in the host's network is the node. */
  private endsByAddress(): Map<string, { pod?: PodEndpoint; node?: NodeState }> {
    const owners = new Map<string, { pod?: PodEndpoint; node?: NodeState }>();
    const own = this.state.pods.filter((pod) => !isFinished(pod));
    const add = (texts: readonly string[], owner: { pod?: PodEndpoint; node?: NodeState }): void => {
      for (const { text } of addresses(texts)) if (!owners.has(text)) owners.set(text, owner);
    };
    for (const pod of own) if (!pod.hostNetwork) add(pod.ips, { pod });
    for (const node of this.state.nodes) add(node.ips, { node });
    for (const pod of own) if (pod.hostNetwork) add(pod.ips, { pod });
    return owners;
  }
}

/** Looks at a cluster state through pods, namespaces and addresses. */
export function clusterView(state: ClusterState): ClusterView {
  return new View(state);
}
