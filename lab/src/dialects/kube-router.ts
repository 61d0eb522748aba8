import { kubernetesPolicies, podsOfPeer, policyOn, policyTypes, rulesOf, type PolicyRule } from '../selectors.js';
import type { KubernetesPolicy, LabPod, PolicyPort, Scenario } from '../scenario.js';
import { base32Hash } from './base32.js';
import type { Dialect, Ipset, NodeProgram } from './dialect.js';
import { workloadInterface } from './felix.js';
import { addKubeProxyFilter, addKubeProxyNat } from './kube-proxy.js';
import { Tables } from './tables.js';

/** kube-router v2.11 on iptables: cloudnativelabs/kube-router `pkg/controllers/netpol`. */

type Type = 'Ingress' | 'Egress';

const MARK = '-j MARK --set-xmark 0x10000/0x10000';
const RETURN = '-m mark --mark 0x10000/0x10000 -j RETURN';
const comment = (text: string): string => `-m comment --comment "${text}"`;
const quotedComment = (text: string): string => `-m comment --comment "\\"${text}\\""`;

/** Chain names carry the time of the sync: a reader cannot recompute them. */
interface Sync {
  readonly scenario: Scenario;
  readonly tables: Tables;
  readonly sets: Map<string, Ipset>;
  readonly version: string;
}

const podChain = (sync: Sync, pod: LabPod): string =>
  `KUBE-POD-FW-${base32Hash(pod.namespace + pod.name + sync.version)}`;
const policyChain = (sync: Sync, policy: KubernetesPolicy): string =>
  `KUBE-NWPLCY-${base32Hash(`${policy.namespace}${policy.name}${sync.version}IPv4`)}`;

function addSet(sync: Sync, name: string, type: string, members: readonly string[]): string {
  sync.sets.set(name, { name, create: `${type} family inet timeout 0`, members });
  return name;
}

function targetSet(sync: Sync, policy: KubernetesPolicy, type: Type): string {
  const name = `KUBE-${type === 'Ingress' ? 'DST' : 'SRC'}-${base32Hash(`${policy.namespace}${policy.name}IPv4`)}`;
  const pods = sync.scenario.pods.filter((pod) => policyOn(policy, pod, type));
  return addSet(
    sync,
    name,
    'hash:ip',
    pods.map((pod) => `${pod.ip} timeout 0`),
  );
}

interface Far {
  readonly kind: 'pods' | 'any' | 'cidr';
  readonly set: string | undefined;
}

/** Peers of one rule are merged: all pods in one set, all networks in another. */
function farSides(sync: Sync, policy: KubernetesPolicy, type: Type, rule: PolicyRule): readonly Far[] {
  if (rule.peers.length === 0) return [{ kind: 'any', set: undefined }];
  const prefix = `KUBE-${type === 'Ingress' ? 'SRC' : 'DST'}-`;
  const text = `${policy.namespace}${policy.name}${type.toLowerCase()}rule${rule.index}IPv4`;
  const podPeers = rule.peers.filter((peer) => !peer.ipBlock);
  const blocks = rule.peers.flatMap((peer) => peer.ipBlock ?? []);
  const found: Far[] = [];
  if (podPeers.length > 0) {
    const pods = podPeers.flatMap((peer) => podsOfPeer(sync.scenario, policy.namespace, peer));
    const members = [...new Set(pods.map((pod) => `${pod.ip} timeout 0`))];
    found.push({ kind: 'pods', set: addSet(sync, prefix + base32Hash(`${text}pod`), 'hash:ip', members) });
  }
  if (blocks.length > 0) {
    const members = blocks.flatMap(({ cidr, except = [] }) => [
      ...(cidr === '0.0.0.0/0' ? ['0.0.0.0/1', '128.0.0.0/1'] : [cidr]).map((net) => `${net} timeout 0`),
      ...except.map((net) => `${net} timeout 0 nomatch`),
    ]);
    found.push({ kind: 'cidr', set: addSet(sync, prefix + base32Hash(`${text}ipblock`), 'hash:net', members) });
  }
  return found;
}

interface PortMatch {
  readonly protocol: string | undefined;
  readonly dport: string;
  /** Set of the pods that declare a named port. */
  readonly set: string | undefined;
}

/** The pods that a rule lets packets go to. */
function receivers(scenario: Scenario, policy: KubernetesPolicy, type: Type, rule: PolicyRule): readonly LabPod[] {
  if (type === 'Ingress') return scenario.pods.filter((pod) => policyOn(policy, pod, type));
  if (rule.peers.length === 0) return scenario.pods;
  return rule.peers.flatMap((peer) => podsOfPeer(scenario, policy.namespace, peer));
}

function portMatches(sync: Sync, policy: KubernetesPolicy, type: Type, rule: PolicyRule): readonly PortMatch[] {
  if (rule.ports.length === 0) return [{ protocol: undefined, dport: '', set: undefined }];
  return rule.ports.flatMap((port: PolicyPort, index): readonly PortMatch[] => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    if (typeof port.port !== 'string') {
      const range = port.endPort === undefined ? `${port.port}` : `${port.port}:${port.endPort}`;
      return [{ protocol, dport: port.port === undefined ? '' : `-m ${protocol} --dport ${range}`, set: undefined }];
    }
    const having = receivers(sync.scenario, policy, type, rule).filter((pod) =>
      pod.ports.some((each) => each.name === port.port),
    );
    const number = having[0]?.ports.find((each) => each.name === port.port)?.port;
    if (number === undefined) return [];
    const text = `${policy.namespace}${policy.name}${type.toLowerCase()}rule${rule.index}${index}IPv4namedport`;
    const members = having.map((pod) => `${pod.ip} timeout 0`);
    const set = addSet(sync, `KUBE-DST-${base32Hash(text)}`, 'hash:ip', members);
    return [{ protocol, dport: `-m ${protocol} --dport ${number}`, set }];
  });
}

function addPolicyRules(sync: Sync, policy: KubernetesPolicy, type: Type): void {
  const chain = policyChain(sync, policy);
  const target = targetSet(sync, policy, type);
  for (const rule of rulesOf(policy, type)) {
    for (const far of farSides(sync, policy, type, rule)) {
      for (const { protocol, dport, set } of portMatches(sync, policy, type, rule)) {
        const named = set === undefined ? '' : ' np';
        const text = comment(`${policy.namespace}/${policy.name} ${type.toLowerCase()} ${far.kind}${named}`);
        const source = type === 'Ingress' ? far.set : target;
        const destination = set ?? (type === 'Ingress' ? target : far.set);
        const match = [
          protocol && `-p ${protocol}`,
          text,
          source && `-m set --match-set ${source} src`,
          destination && `-m set --match-set ${destination} dst`,
          dport,
        ];
        const words = match.filter(Boolean).join(' ');
        sync.tables.append('filter', chain, `${words} ${MARK}`, `${words} ${RETURN}`);
      }
    }
  }
}

function addPodChain(sync: Sync, pod: LabPod, policies: readonly KubernetesPolicy[]): void {
  const chain = podChain(sync, pod);
  const name = `${pod.namespace}/${pod.name}`;
  const add = (...rules: readonly string[]) => sync.tables.append('filter', chain, ...rules);
  add(`${comment('common netpol rules')} -j KUBE-NWPLCY-COMMON`);
  add(`-d ${pod.ip}/32 ${comment('from local node')} -m addrtype --src-type LOCAL -j ACCEPT`);
  for (const type of ['Ingress', 'Egress'] as const) {
    if (policies.some((policy) => policyOn(policy, pod, type))) continue;
    const side = type === 'Ingress' ? '-d' : '-s';
    add(`${side} ${pod.ip}/32 ${comment(`default ${type.toLowerCase()}`)} -j KUBE-NWPLCY-DEFAULT`);
  }
  for (const policy of policies) {
    const types = policyTypes(policy);
    if (!types.some((type) => policyOn(policy, pod, type))) continue;
    // A policy for both directions is jumped to without an address.
    const side = types.length === 2 ? '' : `${types[0] === 'Ingress' ? '-d' : '-s'} ${pod.ip}/32 `;
    add(`${side}${comment(`${policy.namespace}/${policy.name} policy`)} -j ${policyChain(sync, policy)}`);
  }
  const denied = '-m mark ! --mark 0x10000/0x10000';
  add(
    `${comment(`${name} log-drop`)} ${denied} -m limit --limit 10/min --limit-burst 10 -j NFLOG --nflog-group 100`,
    `${comment(`${name} reject`)} ${denied} -j REJECT`,
    '-j MARK --set-xmark 0x0/0x10000',
    `${comment('set netpol-ok mark')} -j MARK --set-xmark 0x20000/0x20000`,
  );
}

function addCommon(tables: Tables): void {
  tables.append(
    'filter',
    'KUBE-NWPLCY-DEFAULT',
    `${comment('rule to mark traffic matching a network policy')} ${MARK}`,
  );
  tables.append(
    'filter',
    'KUBE-NWPLCY-COMMON',
    `${quotedComment('rule to drop invalid state for pod')} -m conntrack --ctstate INVALID -j DROP`,
    `${quotedComment('rule for stateful firewall for pod')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-p icmp ${comment('allow icmp echo requests')} -m icmp --icmp-type echo-request -j ACCEPT`,
    `-p icmp ${comment('allow icmp destination unreachable messages')} -m icmp --icmp-type destination-unreachable -j ACCEPT`,
    `-p icmp ${comment('allow icmp time exceeded messages')} -m icmp --icmp-type time-exceeded -j ACCEPT`,
  );
  const accept = `${comment('accept netpol-ok')} -m mark --mark 0x20000/0x20000 -j ACCEPT`;
  tables.append('filter', 'KUBE-NWPLCY-TAIL', accept);
}

const TOP = { INPUT: '4IA2OSFRMVNDXBVV', FORWARD: 'TEMCG2JMHZYE7H7T', OUTPUT: 'VEAAIY32XVBHCSCY' } as const;

function addTop(tables: Tables): void {
  for (const [hook, id] of Object.entries(TOP)) {
    tables.append('filter', hook, `${comment(`kube-router netpol - ${id}`)} -j KUBE-ROUTER-${hook}`);
    tables.empty('filter', `KUBE-ROUTER-${hook}`);
  }
}

/** Pod against own node passes here before any policy: services, and ports of nodes. */
function addInputExceptions(tables: Tables): void {
  const rule = (text: string, match: string) => {
    const id = base32Hash(text);
    tables.append('filter', 'KUBE-ROUTER-INPUT', `${match} ${comment(`${text} - ${id}`)} -j RETURN`);
  };
  rule('allow traffic to primary cluster IP range', '-d 10.96.0.0/12');
  const local = '-m addrtype --dst-type LOCAL -m multiport --dports 30000:32767';
  rule('allow LOCAL TCP traffic to node ports', `-p tcp ${local}`);
  rule('allow LOCAL UDP traffic to node ports', `-p udp ${local}`);
}

function addPodJumps(sync: Sync, pod: LabPod): void {
  const name = `${pod.namespace}/${pod.name}`;
  const jump = `-j ${podChain(sync, pod)}`;
  const incoming = `-d ${pod.ip}/32`;
  const outgoing = `-s ${pod.ip}/32 ${comment(`${name} out`)} ${jump}`;
  const bridged = `${incoming} -m physdev --physdev-is-bridged ${comment(`${name} in`)} ${jump}`;
  const inbound = `${incoming} ${comment(`${name} in`)} ${jump}`;
  sync.tables.append('filter', 'KUBE-ROUTER-FORWARD', inbound, bridged, outgoing);
  sync.tables.append('filter', 'KUBE-ROUTER-OUTPUT', inbound, outgoing);
  sync.tables.append('filter', 'KUBE-ROUTER-INPUT', outgoing);
}

function addBottom(tables: Tables): void {
  for (const hook of Object.keys(TOP)) {
    tables.append(
      'filter',
      `KUBE-ROUTER-${hook}`,
      `${comment('rule to explicitly handle traffic for network policies ACCEPT/REJECT decision')} -j KUBE-NWPLCY-TAIL`,
      `${comment('rule to explicitly ACCEPT traffic that comply to network policies')} -m mark --mark 0x20000/0x20000 -j ACCEPT`,
    );
  }
}

export const kubeRouter: Dialect = {
  name: 'kube-router',
  attachment: { kind: 'bridge', bridge: 'kube-bridge' },
  nflogGroups: [100],
  rewritesWholeTable: true,
  interfaceOf: (pod) => workloadInterface(pod, 'veth').slice(0, 12),
  program(scenario, node): NodeProgram {
    const tables = new Tables();
    const version = `${BigInt(Date.now()) * 1_000_000n}`;
    const sync: Sync = { scenario, tables, sets: new Map(), version };
    const policies = kubernetesPolicies(scenario);
    addTop(tables);
    addCommon(tables);
    addInputExceptions(tables);
    for (const policy of policies) {
      tables.empty('filter', policyChain(sync, policy));
      for (const type of policyTypes(policy)) addPolicyRules(sync, policy, type);
    }
    for (const pod of scenario.pods.filter((each) => each.node === node)) {
      addPodChain(sync, pod, policies);
      addPodJumps(sync, pod);
    }
    addBottom(tables);
    addKubeProxyFilter(tables, scenario);
    addKubeProxyNat(tables, scenario);
    return { ipsets: [...sync.sets.values()], tables };
  },
};
