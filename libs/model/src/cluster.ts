import type { KubernetesObject } from './object.js';
import type { Protocol } from './protocol.js';

export interface ContainerPort {
  readonly name: string | undefined;
  readonly port: number;
  readonly protocol: Protocol;
}

/** The controller a pod belongs to, or the pod itself. ReplicaSets of a Deployment are folded into the Deployment. */
export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A pod as policies select it and packets reach it. */
export interface PodEndpoint {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
  readonly node: string | undefined;
  readonly hostNetwork: boolean;
  readonly serviceAccount: string;
  readonly ports: readonly ContainerPort[];
  readonly workload: Workload;
  readonly phase: string | undefined;
  readonly ready: boolean | undefined;
  readonly createdAt: string | undefined;
  readonly deletedAt: string | undefined;
}

export interface NamespaceState {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ServicePort {
  readonly name: string | undefined;
  readonly port: number;
  readonly targetPort: number | string;
  readonly nodePort: number | undefined;
  readonly protocol: Protocol;
}

export interface ServiceState {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly clusterIps: readonly string[];
  /** `clusterIP: None`: a name for its pods, nothing is translated. */
  readonly headless?: boolean;
  readonly externalIps: readonly string[];
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly externalTrafficPolicy: string | undefined;
  readonly sourceRanges: readonly string[];
}

/** One backend address of a service, from an EndpointSlice or Endpoints object. */
export interface ServiceBackend {
  readonly namespace: string;
  readonly service: string;
  readonly ip: string;
  readonly ports: readonly { readonly name: string | undefined; readonly port: number; readonly protocol: Protocol }[];
  readonly ready: boolean;
  readonly pod: string | undefined;
}

export interface NodeState {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
  readonly podCidrs: readonly string[];
}

/** Everything known about a cluster at one instant; policies stay objects, their engine reads them. */
export interface ClusterState {
  readonly namespaces: readonly NamespaceState[];
  readonly pods: readonly PodEndpoint[];
  readonly services: readonly ServiceState[];
  readonly backends: readonly ServiceBackend[];
  readonly nodes: readonly NodeState[];
  /** Every object that is none of the above: policies of all kinds, network sets, host endpoints, … */
  readonly others: readonly KubernetesObject[];
}
