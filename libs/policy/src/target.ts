import type { ConnectionEnd, ConnectionQuery, Protocol, ServicePort, ServiceState } from '@whydrop/model';
import type { Services, Target } from './services.js';

/** What a client asks for: an end, or a service by name. An address may be a service's. */
export type RequestTarget =
  ConnectionEnd | { readonly kind: 'service'; readonly namespace: string; readonly name: string };

/** A connection as the client asks for it, before any DNAT. */
export interface ConnectionRequest {
  readonly source: ConnectionEnd;
  readonly destination: RequestTarget;
  readonly protocol: Protocol;
  readonly port: number | undefined;
  readonly icmp?: ConnectionQuery['icmp'];
}

/** Where a request goes: straight on, to one of a service's targets, or nowhere that is known. */
export type Route =
  | { readonly kind: 'direct'; readonly end: ConnectionEnd }
  | {
      readonly kind: 'service';
      readonly service: ServiceState;
      readonly port: ServicePort | undefined;
      readonly targets: readonly Target[];
    }
  | { readonly kind: 'lost'; readonly service: ServiceState | undefined; readonly missing: string };

function nameOf(service: ServiceState): string {
  return `${service.namespace}/${service.name}`;
}

function portOf(service: ServiceState, request: ConnectionRequest): ServicePort | undefined {
  const ports = service.ports.filter(({ protocol }) => protocol === request.protocol);
  if (request.port === undefined) return ports.length === 1 ? ports[0] : undefined;
  return ports.find(({ port }) => port === request.port) ?? ports.find(({ nodePort }) => nodePort === request.port);
}

/** A headless service is only a name for its pods: nothing translates the port. */
function headless(service: ServiceState, targets: readonly Target[], request: ConnectionRequest): Route {
  const seen = new Map<string, Target>();
  for (const target of targets) {
    const key = JSON.stringify(target.end);
    const known = seen.get(key);
    if (!known || target.servicePort.port === request.port) seen.set(key, target);
  }
  const ends = [...seen.values()].map((target) => ({
    ...target,
    port: request.port ?? target.port,
    protocol: request.protocol,
  }));
  if (ends.length === 0) return lost(service, `the endpoints of service ${nameOf(service)}: it has none`);
  return { kind: 'service', service, port: undefined, targets: ends };
}

function lost(service: ServiceState | undefined, missing: string): Route {
  return { kind: 'lost', service, missing };
}

function throughService(service: ServiceState, services: Services, request: ConnectionRequest): Route {
  const targets = services.targets(service);
  if (service.type === 'ExternalName')
    return lost(service, `the addresses behind the external name of service ${nameOf(service)}`);
  if (service.headless === true) return headless(service, targets, request);
  const port = portOf(service, request);
  if (!port) {
    const asked = request.port === undefined ? request.protocol : `${request.port}/${request.protocol}`;
    return lost(service, `a port ${asked} of service ${nameOf(service)}: it has none`);
  }
  const reached = targets.filter(({ servicePort }) => servicePort === port);
  if (reached.length > 0) return { kind: 'service', service, port, targets: reached };
  return lost(service, `the endpoints of service ${nameOf(service)}: it has none`);
}

/**
 * Follows a request through the cluster's services: cluster addresses and node ports are translated to the pods behind
 * them, as kube-proxy does before any policy is asked.
 */
export function routeOf(request: ConnectionRequest, services: Services, nodeIps: ReadonlySet<string>): Route {
  const { destination } = request;
  if (destination.kind === 'service') {
    const service = services.find(destination.namespace, destination.name);
    if (service) return throughService(service, services, request);
    return lost(undefined, `service ${destination.namespace}/${destination.name}: nothing declares it`);
  }
  if (destination.kind === 'pod') return { kind: 'direct', end: destination };
  if (destination.kind === 'address') {
    const service = services.byAddress(destination.ip);
    if (service) return throughService(service, services, request);
  }
  const isNode = destination.kind === 'node' || nodeIps.has(destination.ip);
  const byNodePort =
    isNode && request.port !== undefined ? services.byNodePort(request.port, request.protocol) : undefined;
  return byNodePort ? throughService(byNodePort.service, services, request) : { kind: 'direct', end: destination };
}
