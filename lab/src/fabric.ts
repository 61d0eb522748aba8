import { randomBytes } from 'node:crypto';
import type { Dialect } from './dialects/dialect.js';
import type { LabNode, LabPod, Party, Scenario } from './scenario.js';
import { LabError, run } from './shell.js';

/**
 * The network of one run. All of it lives in network namespaces whose names begin with one random prefix; nothing is
 * made in, or changed on, the host's own namespace.
 *
 *   fabric:  bridge lan 10.x.y.1 ── eth0 of every node, eth0 of every machine outside
 *   node:    eth0, one veth per pod (or a bridge with them), routes to the pods of the other nodes
 *   pod:     eth0
 */
export interface Fabric {
  readonly prefix: string;
  namespaceOf(party: Party): string;
  remove(): void;
}

const CALICO_MAC = 'ee:ee:ee:ee:ee:ee';
const LINK_LOCAL_GATEWAY = '169.254.1.1';

const gatewayOf = (ip: string): string => ip.replace(/\d+$/, '1');

/** Name of a party within one run: `pod dev/web`, `node n1`. */
export function partyKey(party: Party): string {
  return party.kind === 'pod' ? `pod ${party.namespace}/${party.name}` : `${party.kind} ${party.name}`;
}

class NamespaceFabric implements Fabric {
  readonly prefix = `wd${randomBytes(3).toString('hex')}`;
  private readonly names = new Map<string, string>();

  namespaceOf(party: Party): string {
    const name = this.names.get(partyKey(party));
    if (name === undefined) throw new LabError(`The scenario has no ${partyKey(party)}`);
    return name;
  }

  add(key: string, label: string): string {
    const name = `${this.prefix}-${label}`;
    run(undefined, ['ip', 'netns', 'add', name]);
    this.names.set(key, name);
    run(name, ['sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1']);
    run(name, ['ip', 'link', 'set', 'lo', 'up']);
    return name;
  }

  batch(name: string, lines: readonly string[]): void {
    run(name, ['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  }

  // A namespace goes with everything in it: interfaces, rules, sets, conntrack entries.
  remove(): void {
    for (const name of [...this.names.values()].reverse()) {
      try {
        run(undefined, ['ip', 'netns', 'del', name]);
      } catch {
        // Not made yet, or already gone: the others still have to go.
      }
    }
  }
}

function joinLan(fabric: NamespaceFabric, lan: string, name: string, ip: string, port: string): void {
  fabric.batch(lan, [
    `link add ${port} type veth peer name eth0 netns ${name}`,
    `link set ${port} master lan`,
    `link set ${port} up`,
  ]);
  fabric.batch(name, [
    `addr add ${ip}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${gatewayOf(ip)} dev eth0`,
  ]);
}

function addNode(fabric: NamespaceFabric, lan: string, node: LabNode, index: number): void {
  const name = fabric.add(`node ${node.name}`, `n${index}`);
  joinLan(fabric, lan, name, node.ip, `node${index}`);
  run(name, [
    'sysctl',
    '-q',
    '-w',
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.default.rp_filter=0',
    'net.ipv4.conf.all.send_redirects=0',
    'net.ipv4.conf.default.send_redirects=0',
  ]);
}

/** Calico's way: a /32 in the pod, a link-local gateway that the node answers for, a host route on the node. */
function attachRouted(fabric: NamespaceFabric, node: string, pod: string, spec: LabPod, port: string): void {
  fabric.batch(node, [
    `link add ${port} address ${CALICO_MAC} type veth peer name eth0 netns ${pod}`,
    `link set ${port} up`,
    `route add ${spec.ip}/32 dev ${port} scope link`,
  ]);
  fabric.batch(pod, [
    `addr add ${spec.ip}/32 dev eth0`,
    'link set eth0 up',
    `route add ${LINK_LOCAL_GATEWAY} dev eth0 scope link`,
    `route add default via ${LINK_LOCAL_GATEWAY} dev eth0`,
    `neigh replace ${LINK_LOCAL_GATEWAY} lladdr ${CALICO_MAC} dev eth0 nud permanent`,
  ]);
}

function addPod(fabric: NamespaceFabric, scenario: Scenario, dialect: Dialect, pod: LabPod, index: number): void {
  const name = fabric.add(`pod ${pod.namespace}/${pod.name}`, `p${index}`);
  const node = fabric.namespaceOf({ kind: 'node', name: pod.node });
  attachRouted(fabric, node, name, pod, dialect.interfaceOf(pod));
  for (const other of scenario.nodes.filter((each) => each.name !== pod.node)) {
    const home = scenario.nodes.find((each) => each.name === pod.node);
    const from = fabric.namespaceOf({ kind: 'node', name: other.name });
    fabric.batch(from, [`route add ${pod.ip}/32 via ${home?.ip ?? ''} dev eth0`]);
  }
}

function build(fabric: NamespaceFabric, scenario: Scenario, dialect: Dialect): void {
  const lan = fabric.add('fabric', 'lan');
  const gateway = gatewayOf(scenario.nodes[0]?.ip ?? '');
  fabric.batch(lan, ['link add lan type bridge', `addr add ${gateway}/24 dev lan`, 'link set lan up']);
  scenario.nodes.forEach((node, index) => addNode(fabric, lan, node, index));
  scenario.outside?.forEach((machine, index) => {
    const name = fabric.add(`outside ${machine.name}`, `o${index}`);
    joinLan(fabric, lan, name, machine.ip, `out${index}`);
  });
  scenario.pods.forEach((pod, index) => addPod(fabric, scenario, dialect, pod, index));
}

/** Builds the namespaces of a scenario. When building fails, what was made so far is removed. */
export function buildFabric(scenario: Scenario, dialect: Dialect): Fabric {
  const fabric = new NamespaceFabric();
  try {
    build(fabric, scenario, dialect);
  } catch (error) {
    fabric.remove();
    throw error;
  }
  return fabric;
}
