/** What a lab run consists of: a cluster, the policies it enforces, and the connections somebody tries. */

export type Labels = Readonly<Record<string, string>>;
export type TransportProtocol = 'TCP' | 'UDP';

export interface LabNode {
  readonly name: string;
  readonly ip: string;
  /** Pod network of the node; blackhole and masquerade rules need it. */
  readonly podCidr: string;
}

export interface LabNamespace {
  readonly name: string;
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ContainerPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: TransportProtocol;
  /** How it answers; at once unless said. `full`: a queue of one that nobody takes from. */
  readonly manner?: 'silent' | 'full' | 'late';
}

export interface LabPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly labels: Labels;
  /** Declared container ports; something listens on each unless `listens` says otherwise. */
  readonly ports: readonly ContainerPort[];
  readonly listens?: readonly ContainerPort[];
  /** Host side of the pod's veth; worked out from namespace and name by the dialect when absent. */
  readonly interfaceName?: string;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly ready?: boolean;
  /** No object at the beginning: a step tells of it. */
  readonly unlisted?: boolean;
}

export interface LabService {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  readonly selector: Labels;
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort: number | string;
    readonly nodePort?: number;
    readonly protocol?: TransportProtocol;
  }[];
  /** What else stands in the object's spec and status. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface PolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export interface PolicyPort {
  readonly protocol?: TransportProtocol;
  readonly port?: number | string;
  readonly endPort?: number;
}

export interface IngressRule {
  readonly from?: readonly PolicyPeer[];
  readonly ports?: readonly PolicyPort[];
}

export interface EgressRule {
  readonly to?: readonly PolicyPeer[];
  readonly ports?: readonly PolicyPort[];
}

export interface NetworkPolicySpec {
  readonly podSelector: LabelSelector;
  readonly policyTypes?: readonly ('Ingress' | 'Egress')[];
  readonly ingress?: readonly IngressRule[];
  readonly egress?: readonly EgressRule[];
}

/** A Kubernetes NetworkPolicy as written; `apiVersion` is networking.k8s.io/v1 unless a story is older. */
export interface KubernetesPolicy {
  readonly kind: 'kubernetes';
  readonly apiVersion?: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: NetworkPolicySpec;
}

/** One side of a Calico rule, in the words of its API. */
export interface CalicoEntity {
  readonly selector?: string;
  readonly namespaceSelector?: string;
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  /** Numbers, or ranges as `8080:8090`. */
  readonly ports?: readonly (number | string)[];
}

export interface CalicoApiRule {
  readonly action: 'Allow' | 'Deny' | 'Pass' | 'Log';
  readonly protocol?: 'TCP' | 'UDP' | 'ICMP';
  readonly source?: CalicoEntity;
  readonly destination?: CalicoEntity;
}

/** A Calico NetworkPolicy, or a GlobalNetworkPolicy when it has no namespace. */
export interface CalicoPolicy {
  readonly kind: 'calico';
  readonly namespace?: string;
  readonly name: string;
  readonly spec: {
    readonly tier?: string;
    readonly order?: number;
    readonly selector?: string;
    readonly types: readonly ('Ingress' | 'Egress')[];
    readonly ingress?: readonly CalicoApiRule[];
    readonly egress?: readonly CalicoApiRule[];
  };
}

export type LabPolicy = KubernetesPolicy | CalicoPolicy;

export interface LabTier {
  readonly name: string;
  readonly order: number;
  readonly defaultAction?: 'Deny' | 'Pass';
}

/** Who sends: a pod, a node itself, or a machine outside the cluster on the nodes' network. */
export type Party =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'outside'; readonly name: string };

/** Where to: a party's address, a service's cluster address, a port of a node, or any address. */
export type Target =
  | Party
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'address'; readonly ip: string };

export interface Attempt {
  readonly from: Party;
  readonly to: Target;
  readonly protocol: 'TCP' | 'UDP' | 'ICMP';
  /** Absent for ICMP. */
  readonly port?: number;
  /** Sends one bare segment with these flags instead of opening a connection. */
  readonly flags?: readonly ('SYN' | 'ACK' | 'FIN' | 'RST' | 'PSH')[];
  /** The client's port, or the id of an echo, that no other attempt has; chosen by the kernel when it is not given. */
  readonly sourcePort?: number;
  /** `hold` keeps the connection; `resume` sends on the one that was held at the same source port. */
  readonly connection?: 'hold' | 'resume';
  /** How long the client waits, in seconds. */
  readonly timeout?: number;
  /** What the story says will happen; the run fails when the kernel disagrees. */
  readonly expect: 'allowed' | 'dropped' | 'rejected' | 'failed';
  /** Packets that the deciding rule stops, where the story counts them. */
  readonly packets?: number;
  /** Why, as the story's author sees it: a code of libs/model's CAUSES. The kernel does not know it. */
  readonly cause?: string;
}

/** A shell line, run in the network namespace of a party. */
export interface PartyCommand {
  readonly on: Party;
  readonly line: string;
}

/** A pod or service whose object changes while the capture runs; what runs in the kernel does not. */
export interface ObjectChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The object, made of the time at which everything was made and of the time of the change (RFC 3339). */
  readonly object: (created: string, now: string) => Readonly<Record<string, unknown>>;
}

/** What happens between connections: policies are created, changed or deleted and the nodes are programmed anew. */
export interface PolicyChange {
  readonly apply?: readonly LabPolicy[];
  readonly remove?: readonly { readonly namespace?: string; readonly name: string }[];
  /** The plugin has not heard of it yet. */
  readonly unprogrammed?: boolean;
  readonly objects?: readonly ObjectChange[];
  readonly run?: readonly PartyCommand[];
  /** Seconds in which nothing happens afterwards. */
  readonly wait?: number;
}

/** Attempts of one step run side by side; steps run one after the other. */
export type Step = readonly Attempt[] | PolicyChange;

export interface Scenario {
  readonly name: string;
  readonly cluster: string;
  /** How policies are written into the kernel: a name of dialects/registry.ts. */
  readonly dialect: string;
  readonly clusterCidr: string;
  readonly nodes: readonly LabNode[];
  readonly outside?: readonly {
    readonly name: string;
    readonly ip: string;
    readonly listens?: readonly ContainerPort[];
  }[];
  readonly namespaces: readonly LabNamespace[];
  readonly pods: readonly LabPod[];
  readonly services: readonly LabService[];
  readonly policies: readonly LabPolicy[];
  /** What the nodes are loaded with, where that is not `policies`. */
  readonly programmed?: readonly LabPolicy[];
  /** What is done to nodes and pods when they are built, beside the dialect's rules. */
  readonly setup?: readonly PartyCommand[];
  /** Connections from before the capture: nothing of them is recorded, nor are they in the truth. */
  readonly before?: readonly Attempt[];
  /** Calico's tiers besides `default`. */
  readonly tiers?: readonly LabTier[];
  /** Further objects that lie in `cluster/` as they are. */
  readonly objects?: readonly Readonly<Record<string, unknown>>[];
  readonly steps: readonly Step[];
  /** Leaves the plugin's packet log out of the capture. */
  readonly withoutNflog?: boolean;
  /** Puts the kernel's trace into the bundle, not only into the truth. */
  readonly withTrace?: boolean;
}
