import { selects } from '../selectors.js';
import type { LabPod, LabService, Scenario } from '../scenario.js';
import { base32Hash } from './base32.js';
import type { Tables } from './tables.js';

/** kube-proxy in iptables mode: kubernetes/kubernetes `pkg/proxy/iptables/proxier.go`. */

type ServicePort = LabService['ports'][number];

interface Portal {
  readonly service: LabService;
  readonly port: ServicePort;
  /** `ns/name:port` as in comments. */
  readonly name: string;
  readonly protocol: string;
  readonly backends: readonly string[];
}

function targetPort(pod: LabPod, port: ServicePort): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort;
  return pod.ports.find((each) => each.name === port.targetPort)?.port;
}

/** The pods behind a service, ready ones only. */
export function backendsOf(scenario: Scenario, service: LabService): readonly LabPod[] {
  return scenario.pods.filter(
    (pod) =>
      pod.ready !== false &&
      pod.namespace === service.namespace &&
      selects({ matchLabels: service.selector }, pod.labels),
  );
}

function portalsOf(scenario: Scenario): readonly Portal[] {
  return scenario.services.flatMap((service) =>
    service.ports.map((port) => ({
      service,
      port,
      name: `${service.namespace}/${service.name}${port.name ? `:${port.name}` : ''}`,
      protocol: (port.protocol ?? 'TCP').toLowerCase(),
      backends: backendsOf(scenario, service).flatMap((pod) => {
        const target = targetPort(pod, port);
        return target === undefined ? [] : [`${pod.ip}:${target}`];
      }),
    })),
  );
}

const comment = (text: string): string => `-m comment --comment "${text}"`;
const svcChain = (portal: Portal): string => `KUBE-SVC-${base32Hash(portal.name + portal.protocol)}`;
const extChain = (portal: Portal): string => `KUBE-EXT-${base32Hash(portal.name + portal.protocol)}`;
const sepChain = (portal: Portal, backend: string): string =>
  `KUBE-SEP-${base32Hash(portal.name + portal.protocol + backend)}`;

function probability(left: number): string {
  return left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : '';
}

function addServiceChain(tables: Tables, portal: Portal, clusterCidr: string): void {
  const { service, port, protocol, backends } = portal;
  const chain = svcChain(portal);
  const portalMatch = `-d ${service.clusterIp}/32 -p ${protocol} ${comment(`${portal.name} cluster IP`)}`;
  const dport = `-m ${protocol} --dport ${port.port}`;
  tables.append('nat', 'KUBE-SERVICES', `${portalMatch} ${dport} -j ${chain}`);
  tables.append('nat', chain, `! -s ${clusterCidr} ${portalMatch} ${dport} -j KUBE-MARK-MASQ`);
  backends.forEach((backend, index) => {
    const sep = sepChain(portal, backend);
    const arrow = comment(`${portal.name} -> ${backend}`);
    tables.append('nat', chain, `${arrow}${probability(backends.length - index)} -j ${sep}`);
    tables.append('nat', sep, `-s ${backend.split(':')[0]}/32 ${comment(portal.name)} -j KUBE-MARK-MASQ`);
    tables.append(
      'nat',
      sep,
      `-p ${protocol} ${comment(portal.name)} -m ${protocol} -j DNAT --to-destination ${backend}`,
    );
  });
}

function addNodePort(tables: Tables, portal: Portal): void {
  const { port, protocol } = portal;
  if (port.nodePort === undefined) return;
  const chain = extChain(portal);
  const match = `-p ${protocol} ${comment(portal.name)} -m ${protocol} --dport ${port.nodePort}`;
  tables.append('nat', 'KUBE-NODEPORTS', `${match} -j ${chain}`);
  tables.append(
    'nat',
    chain,
    `${comment(`masquerade traffic for ${portal.name} external destinations`)} -j KUBE-MARK-MASQ`,
  );
  tables.append('nat', chain, `-j ${svcChain(portal)}`);
}

function addNoEndpoints(tables: Tables, portal: Portal): void {
  const { service, port, protocol, name } = portal;
  const text = comment(`${name} has no endpoints`);
  const reject = `-m ${protocol} --dport`;
  const to = `-d ${service.clusterIp}/32 -p ${protocol} ${text}`;
  tables.append('filter', 'KUBE-SERVICES', `${to} ${reject} ${port.port} -j REJECT`);
  if (port.nodePort === undefined) return;
  const local = `-p ${protocol} ${text} -m addrtype --dst-type LOCAL ${reject} ${port.nodePort} -j REJECT`;
  tables.append('filter', 'KUBE-EXTERNAL-SERVICES', local);
}

/** The nat table: portals to backends, and masquerading of what was marked on the way. */
export function addKubeProxyNat(tables: Tables, scenario: Scenario): void {
  const portals = comment('kubernetes service portals');
  tables.append('nat', 'PREROUTING', `${portals} -j KUBE-SERVICES`);
  tables.append('nat', 'OUTPUT', `${portals} -j KUBE-SERVICES`);
  tables.append('nat', 'POSTROUTING', `${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`);
  tables.append('nat', 'KUBE-MARK-MASQ', '-j MARK --set-xmark 0x4000/0x4000');
  tables.append(
    'nat',
    'KUBE-POSTROUTING',
    '-m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-j MARK --set-xmark 0x4000/0x0',
    `${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`,
  );
  tables.empty('nat', 'KUBE-SERVICES', 'KUBE-NODEPORTS');
  for (const portal of portalsOf(scenario).filter((each) => each.backends.length > 0)) {
    addServiceChain(tables, portal, scenario.clusterCidr);
    addNodePort(tables, portal);
  }
  const last = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain');
  tables.append('nat', 'KUBE-SERVICES', `${last} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`);
}

/** The filter table: services without endpoints are rejected, INVALID packets dropped, marked traffic accepted. */
export function addKubeProxyFilter(tables: Tables, scenario: Scenario): void {
  const isNew = '-m conntrack --ctstate NEW';
  const services = `${isNew} ${comment('kubernetes service portals')} -j KUBE-SERVICES`;
  const external = `${isNew} ${comment('kubernetes externally-visible service portals')} -j KUBE-EXTERNAL-SERVICES`;
  const firewall = `${isNew} ${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL`;
  tables.append(
    'filter',
    'INPUT',
    firewall,
    `${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS`,
    external,
  );
  tables.append(
    'filter',
    'FORWARD',
    firewall,
    `${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`,
    services,
    external,
  );
  tables.append('filter', 'OUTPUT', firewall, services);
  tables.empty('filter', 'KUBE-NODEPORTS', 'KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL');
  tables.append(
    'filter',
    'KUBE-FORWARD',
    '-m conntrack --ctstate INVALID -j DROP',
    `${comment('kubernetes forwarding rules')} -m mark --mark 0x4000/0x4000 -j ACCEPT`,
    `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  );
  for (const portal of portalsOf(scenario).filter((each) => each.backends.length === 0)) addNoEndpoints(tables, portal);
}
