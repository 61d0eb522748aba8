import { randomBytes } from 'node:crypto';
import type { Attachment, Dialect } from './dialects/dialect.js';
import type { LabNode, LabPod, Party, Scenario } from './scenario.js';
import { LabError, run } from './shell.js';

/**
 * The network of one run. All of it lives in network namespaces whose names begin with one random prefix; nothing is
 * made in, or changed on, the host's own namespace. It goes when the run ends, also by Ctrl-C; what a killed run left
 * goes when the next one begins.
 *
 *   fabric:  bridge lan 10.x.y.1 ── eth0 of every node, eth0 of every machine outside
 *            bridge overlay      ── one port of every node's bridge (only where the plugin joins them)
 *   node:    eth0, and one veth per pod: routed, or on a bridge
 *   pod:     eth0
 */
export interface Fabric {
  readonly prefix: string;
  namespaceOf(party: Party): string;
  remove(): void;
}

/** How the names of all namespaces begin; the number of the process that made them follows. */
const NAMESPACES = 'wd';

const ROUTED_MAC = 'ee:ee:ee:ee:ee:ee';
const LINK_LOCAL_GATEWAY = '169.254.1.1';

const firstAddress = (ipOrNet: string): string => ipOrNet.replace(/\d+(\/\d+)?$/, '1');
const prefixLength = (net: string): string => net.split('/')[1] ?? '32';

/** Name of a party within one run: `pod dev/web`, `node n1`. */
export function partyKey(party: Party): string {
  return party.kind === 'pod' ? `pod ${party.namespace}/${party.name}` : `${party.kind} ${party.name}`;
}

class NamespaceFabric implements Fabric {
  readonly prefix = `${NAMESPACES}${process.pid.toString(36)}x${randomBytes(2).toString('hex')}`;
  private readonly names = new Map<string, string>();
  private readonly atExit = () => this.remove();

  constructor() {
    process.once('exit', this.atExit);
  }

  namespaceOf(party: Party): string {
    const name = this.names.get(partyKey(party));
    if (name === undefined) throw new LabError(`The scenario has no ${partyKey(party)}`);
    return name;
  }

  add(key: string, label: string): string {
    const name = `${this.prefix}-${label}`;
    run(undefined, ['ip', 'netns', 'add', name]);
    this.names.set(key, name);
    this.set(name, 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    run(name, ['ip', 'link', 'set', 'lo', 'up']);
    return name;
  }

  set(name: string, ...settings: readonly string[]): void {
    run(name, ['sysctl', '-q', '-w', ...settings]);
  }

  batch(name: string, ...lines: readonly string[]): void {
    run(name, ['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  // A namespace goes with everything in it: interfaces, rules, sets, conntrack entries.
  remove(): void {
    process.off('exit', this.atExit);
    for (const name of [...this.names.values()].reverse()) {
      try {
        run(undefined, ['ip', 'netns', 'del', name]);
      } catch {
        // Not made yet, or already gone: the others still have to go.
      }
    }
    this.names.clear();
  }
}

function joinLan(fabric: NamespaceFabric, lan: string, name: string, ip: string, port: string): void {
  fabric.batch(
    lan,
    `link add ${port} type veth peer name eth0 netns ${name}`,
    `link set ${port} master lan`,
    `link set ${port} up`,
  );
  const gateway = firstAddress(ip);
  fabric.batch(name, `addr add ${ip}/24 dev eth0`, 'link set eth0 up', `route add default via ${gateway} dev eth0`);
}

function addNode(fabric: NamespaceFabric, lan: string, node: LabNode, index: number): string {
  const name = fabric.add(`node ${node.name}`, `n${index}`);
  joinLan(fabric, lan, name, node.ip, `node${index}`);
  const conf = ['all', 'default'].flatMap((which) => [
    `net.ipv4.conf.${which}.rp_filter=0`,
    `net.ipv4.conf.${which}.send_redirects=0`,
  ]);
  fabric.set(name, 'net.ipv4.ip_forward=1', ...conf);
  return name;
}

type Bridged = Exclude<Attachment, { readonly kind: 'routed' }>;

function addBridge(fabric: NamespaceFabric, lan: string, name: string, node: LabNode, how: Bridged, net: string): void {
  const address = `${firstAddress(node.podCidr)}/${prefixLength(how.kind === 'overlay' ? net : node.podCidr)}`;
  fabric.batch(
    name,
    `link add ${how.bridge} type bridge`,
    `addr add ${address} dev ${how.bridge}`,
    `link set ${how.bridge} up`,
  );
  fabric.set(name, 'net.bridge.bridge-nf-call-iptables=1');
  if (how.kind === 'bridge') return;
  const far = `o${name.split('-').pop()}`;
  fabric.batch(
    name,
    `link add ${how.port} type veth peer name ${far} netns ${lan}`,
    `link set ${how.port} master ${how.bridge}`,
    `link set ${how.port} up`,
  );
  fabric.batch(lan, `link set ${far} master overlay`, `link set ${far} up`);
}

/** Calico's way: a /32 in the pod, a link-local gateway that the node answers for, a host route on the node. */
function attachRouted(fabric: NamespaceFabric, node: string, pod: string, spec: LabPod, port: string): void {
  fabric.batch(
    node,
    `link add ${port} address ${ROUTED_MAC} type veth peer name eth0 netns ${pod}`,
    `link set ${port} up`,
    `route add ${spec.ip}/32 dev ${port} scope link`,
  );
  fabric.batch(
    pod,
    `addr add ${spec.ip}/32 dev eth0`,
    'link set eth0 up',
    `route add ${LINK_LOCAL_GATEWAY} dev eth0 scope link`,
    `route add default via ${LINK_LOCAL_GATEWAY} dev eth0`,
    `neigh replace ${LINK_LOCAL_GATEWAY} lladdr ${ROUTED_MAC} dev eth0 nud permanent`,
  );
}

interface BridgePort {
  readonly bridge: string;
  readonly port: string;
  readonly gateway: string;
  readonly length: string;
}

function attachBridged(fabric: NamespaceFabric, node: string, pod: string, ip: string, to: BridgePort): void {
  fabric.batch(
    node,
    `link add ${to.port} type veth peer name eth0 netns ${pod}`,
    `link set ${to.port} master ${to.bridge}`,
    `link set ${to.port} up`,
  );
  // Pods answer themselves when they talk to themselves through a service.
  fabric.batch(node, `link set ${to.port} type bridge_slave hairpin on`);
  fabric.batch(
    pod,
    `addr add ${ip}/${to.length} dev eth0`,
    'link set eth0 up',
    `route add default via ${to.gateway} dev eth0`,
  );
}

function addPod(fabric: NamespaceFabric, scenario: Scenario, dialect: Dialect, pod: LabPod, index: number): void {
  const name = fabric.add(`pod ${pod.namespace}/${pod.name}`, `p${index}`);
  const node = fabric.namespaceOf({ kind: 'node', name: pod.node });
  const home = scenario.nodes.find((each) => each.name === pod.node);
  const port = dialect.interfaceOf(pod);
  const { attachment } = dialect;
  if (attachment.kind === 'routed') {
    attachRouted(fabric, node, name, pod, port);
    for (const other of scenario.nodes.filter((each) => each.name !== pod.node)) {
      const from = fabric.namespaceOf({ kind: 'node', name: other.name });
      fabric.batch(from, `route add ${pod.ip}/32 via ${home?.ip ?? ''} dev eth0`);
    }
    return;
  }
  const podCidr = home?.podCidr ?? '';
  const length = prefixLength(attachment.kind === 'overlay' ? scenario.clusterCidr : podCidr);
  attachBridged(fabric, node, name, pod.ip, {
    bridge: attachment.bridge,
    port,
    gateway: firstAddress(podCidr),
    length,
  });
}

function routeBetween(fabric: NamespaceFabric, nodes: readonly LabNode[]): void {
  for (const node of nodes) {
    const routes = nodes
      .filter((other) => other !== node)
      .map((other) => `route add ${other.podCidr} via ${other.ip} dev eth0`);
    fabric.batch(fabric.namespaceOf({ kind: 'node', name: node.name }), ...routes);
  }
}

/** The way between the machines' networks, to pods, and to nowhere: what nobody owns vanishes without an answer. */
function buildLan(fabric: NamespaceFabric, scenario: Scenario): string {
  const lan = fabric.add('fabric', 'lan');
  fabric.set(lan, 'net.bridge.bridge-nf-call-iptables=0', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0');
  fabric.set(lan, 'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.default.send_redirects=0');
  const machines = [...scenario.nodes, ...(scenario.outside ?? [])];
  const gateways = new Set(machines.map((machine) => `${firstAddress(machine.ip)}/24`));
  fabric.batch(
    lan,
    'link add lan type bridge',
    ...[...gateways].map((gateway) => `addr add ${gateway} dev lan`),
    'link set lan up',
    'route add blackhole default',
  );
  for (const pod of scenario.pods) {
    const home = scenario.nodes.find((node) => node.name === pod.node);
    fabric.batch(lan, `route add ${pod.ip}/32 via ${home?.ip ?? ''} dev lan`);
  }
  return lan;
}

function build(fabric: NamespaceFabric, scenario: Scenario, dialect: Dialect): void {
  const { attachment } = dialect;
  const lan = buildLan(fabric, scenario);
  if (attachment.kind === 'overlay') fabric.batch(lan, 'link add overlay type bridge', 'link set overlay up');
  scenario.nodes.forEach((node, index) => {
    const name = addNode(fabric, lan, node, index);
    if (attachment.kind !== 'routed') addBridge(fabric, lan, name, node, attachment, scenario.clusterCidr);
  });
  scenario.outside?.forEach((machine, index) => {
    joinLan(fabric, lan, fabric.add(`outside ${machine.name}`, `o${index}`), machine.ip, `out${index}`);
  });
  scenario.pods.forEach((pod, index) => addPod(fabric, scenario, dialect, pod, index));
  if (attachment.kind === 'bridge') routeBetween(fabric, scenario.nodes);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends and removes what labs left whose process was killed. */
export function removeLeftovers(): void {
  for (const line of run(undefined, ['ip', 'netns', 'list']).split('\n')) {
    const name = line.split(' ')[0] ?? '';
    const pid = /^wd([0-9a-z]+)x[0-9a-f]{4}-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number.parseInt(pid, 36))) continue;
    for (const inside of run(undefined, ['ip', 'netns', 'pids', name]).split('\n').filter(Boolean)) {
      process.kill(Number(inside), 'SIGKILL');
    }
    run(undefined, ['ip', 'netns', 'del', name]);
  }
}

/** Builds the namespaces of a scenario. When building fails, what was made so far is removed. */
export function buildFabric(scenario: Scenario, dialect: Dialect): Fabric {
  removeLeftovers();
  const fabric = new NamespaceFabric();
  try {
    build(fabric, scenario, dialect);
  } catch (error) {
    fabric.remove();
    throw error;
  }
  return fabric;
}
