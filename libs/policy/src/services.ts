import type {
  ClusterState,
  ConnectionEnd,
  PodEndpoint,
  Protocol,
  ServiceBackend,
  ServicePort,
  ServiceState,
} from '@whydrop/model';
import { addressOf } from './address.js';
import { isTemplatePod } from './template-pods.js';

/** Where a service sends connections to one of its ports: an end and the port there. */
export interface Target {
  readonly end: ConnectionEnd;
  readonly ip: string | undefined;
  readonly port: number;
  readonly protocol: Protocol;
  readonly servicePort: ServicePort;
}

/** Finds services and the pods behind them: by their endpoints, or by their selector where no endpoints are known. */
export interface Services {
  readonly find: (namespace: string, name: string) => ServiceState | undefined;
  /** By cluster, external or load balancer address. */
  readonly byAddress: (ip: string) => ServiceState | undefined;
  readonly byNodePort: (
    port: number,
    protocol: string,
  ) => { readonly service: ServiceState; readonly port: ServicePort } | undefined;
  readonly targets: (service: ServiceState) => readonly Target[];
}

function isLive(pod: PodEndpoint): boolean {
  return pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && pod.ready !== false && pod.deletedAt === undefined;
}

function selected(pod: PodEndpoint, service: ServiceState, selector: readonly (readonly [string, string])[]): boolean {
  if (pod.namespace !== service.namespace || !isLive(pod)) return false;
  return selector.every(([key, value]) => Object.hasOwn(pod.labels, key) && pod.labels[key] === value);
}

function standsFor(template: PodEndpoint, pod: PodEndpoint): boolean {
  const { workload } = template;
  if (pod.workload.kind === workload.kind && pod.workload.name === workload.name) return true;
  return Object.entries(template.labels).every(([key, value]) => pod.labels[key] === value);
}

/** Where a workload's own pods are known, its template stands for none of them. */
function withoutTemplates(pods: readonly PodEndpoint[]): readonly PodEndpoint[] {
  const own = pods.filter((pod) => !isTemplatePod(pod));
  return pods.filter((pod) => !isTemplatePod(pod) || !own.some((one) => standsFor(pod, one)));
}

/** The pod's port that a service port leads to; none where the pod has no port of that name. */
function portOfPod(pod: PodEndpoint | undefined, port: ServicePort): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort;
  const found = pod?.ports.find(({ name, protocol }) => name === port.targetPort && protocol === port.protocol);
  return found?.port;
}

class ServiceIndex implements Services {
  private readonly byName: ReadonlyMap<string, ServiceState>;
  private readonly backends = new Map<string, ServiceBackend[]>();
  private readonly known = new Map<ServiceState, readonly Target[]>();
  private addresses: Map<string, ServiceState> | undefined;

  constructor(private readonly state: ClusterState) {
    this.byName = new Map(state.services.map((service) => [`${service.namespace}/${service.name}`, service]));
    for (const backend of state.backends) {
      const key = `${backend.namespace}/${backend.service}`;
      const of = this.backends.get(key) ?? [];
      of.push(backend);
      this.backends.set(key, of);
    }
  }

  readonly find = (namespace: string, name: string): ServiceState | undefined =>
    this.byName.get(`${namespace}/${name}`);

  readonly byAddress = (ip: string): ServiceState | undefined => {
    this.addresses ??= new Map(
      this.state.services.flatMap((service) =>
        [...service.clusterIps, ...service.externalIps].map((one) => [one, service]),
      ),
    );
    return this.addresses.get(addressOf(ip)?.text ?? ip);
  };

  readonly byNodePort = (port: number, protocol: string): { service: ServiceState; port: ServicePort } | undefined => {
    for (const service of this.state.services) {
      const found = service.ports.find((one) => one.nodePort === port && one.protocol === protocol);
      if (found) return { service, port: found };
    }
    return undefined;
  };

  readonly targets = (service: ServiceState): readonly Target[] => {
    const known = this.known.get(service) ?? this.targetsOf(service);
    this.known.set(service, known);
    return known;
  };

  private targetsOf(service: ServiceState): readonly Target[] {
    const backends = this.backends.get(`${service.namespace}/${service.name}`) ?? [];
    if (backends.length > 0)
      return backends.filter(({ ready }) => ready).flatMap((backend) => this.ofBackend(service, backend));
    const selector = Object.entries(service.selector ?? {});
    if (selector.length === 0) return [];
    const pods = this.state.pods.filter((pod) => selected(pod, service, selector));
    const real = withoutTemplates(pods);
    return real.flatMap((pod) => service.ports.flatMap((port) => this.ofPod(pod, port)));
  }

  /** The pod that an endpoint names. Where nothing declares it, the workload whose template the service selects stands for it. */
  private podBehind(service: ServiceState, { ip, pod }: ServiceBackend): PodEndpoint | undefined {
    if (pod === undefined) return undefined;
    const named = this.state.pods.find((one) => one.namespace === service.namespace && one.name === pod);
    const selector = Object.entries(service.selector ?? {});
    if (named || selector.length === 0 || this.state.pods.some((one) => one.ips.includes(ip))) return named;
    return this.state.pods.find((one) => isTemplatePod(one) && selected(one, service, selector));
  }

  private ofPod(pod: PodEndpoint, servicePort: ServicePort): readonly Target[] {
    const port = portOfPod(pod, servicePort);
    if (port === undefined) return [];
    const end: ConnectionEnd = { kind: 'pod', namespace: pod.namespace, name: pod.name };
    return [{ end, ip: pod.ips[0], port, protocol: servicePort.protocol, servicePort }];
  }

  private ofBackend(service: ServiceState, backend: ServiceBackend): readonly Target[] {
    const { ip } = backend;
    const pod = this.podBehind(service, backend);
    const end: ConnectionEnd = pod
      ? { kind: 'pod', namespace: pod.namespace, name: pod.name, ip }
      : { kind: 'address', ip };
    return service.ports.flatMap((servicePort) => {
      const same = backend.ports.filter(({ protocol }) => protocol === servicePort.protocol);
      const port = same.find(({ name }) => name === servicePort.name) ?? (same.length === 1 ? same[0] : undefined);
      return port ? [{ end, ip, port: port.port, protocol: servicePort.protocol, servicePort }] : [];
    });
  }
}

/** The services of a cluster. */
export function servicesOf(state: ClusterState): Services {
  return new ServiceIndex(state);
}
