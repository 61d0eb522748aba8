import { kubernetesPolicies, podsOfPeer, policyOn, rulesOf, type PolicyRule } from '../selectors.js';
import type { KubernetesPolicy, LabPod, PolicyPeer, PolicyPort, Scenario } from '../scenario.js';
import type { Dialect } from './dialect.js';
import { workloadInterface } from './felix.js';
import { addKubeProxyNat } from './kube-proxy.js';
import { Tables } from './tables.js';

/**
 * Rules as an operator writes them by hand: one chain per host and direction, addresses spelled out, comments. What a
 * host may send goes on to chain TO-HOSTS, where the receiver's chain decides; every end is a verdict.
 */

type Type = 'Ingress' | 'Egress';

const comment = (text: string): string => `-m comment --comment "${text}"`;

/** The chain of one host and direction, as it is written. */
interface HostChain {
  readonly tables: Tables;
  readonly scenario: Scenario;
  readonly pod: LabPod;
  readonly name: string;
  readonly type: Type;
  /** Where an allowed packet goes. */
  readonly allowed: string;
}

/** A named port is whatever number the receiving pod gives it: none for a pod that has no such port. */
function portMatches(port: PolicyPort, receiver: LabPod | undefined): readonly string[] {
  const name = (port.protocol ?? 'TCP').toLowerCase();
  if (port.port === undefined) return [`-p ${name}`];
  const { endPort } = port;
  if (typeof port.port === 'number')
    return [`-p ${name} -m ${name} --dport ${endPort ? `${port.port}:${endPort}` : port.port}`];
  const named = (receiver?.ports ?? []).filter((each) => each.name === port.port);
  return named.map((each) => `-p ${name} -m ${name} --dport ${each.port}`);
}

/** A network with exceptions needs a chain of its own: what is excepted goes back to the next rule. */
function exceptionChain(host: HostChain, policy: KubernetesPolicy, except: readonly string[], id: string): string {
  const chain = `${host.name}-${id}`;
  const option = host.type === 'Ingress' ? '-s' : '-d';
  const text = comment(`not in ${policy.namespace}/${policy.name}`);
  host.tables.append(
    'filter',
    chain,
    ...except.map((net) => `${option} ${net} ${text} -j RETURN`),
    `-j ${host.allowed}`,
  );
  return chain;
}

interface Far {
  /** The pod at the far side, where it is one. */
  readonly pod?: LabPod;
  readonly net: string | undefined;
  readonly target: string;
}

function farSides(host: HostChain, policy: KubernetesPolicy, rule: PolicyRule): readonly Far[] {
  if (rule.peers.length === 0) {
    const named = host.type === 'Egress' && rule.ports.some((port) => typeof port.port === 'string');
    const everyPod = host.scenario.pods.map((pod) => ({ pod, net: `${pod.ip}/32`, target: host.allowed }));
    return [{ net: undefined, target: host.allowed }, ...(named ? everyPod : [])];
  }
  return rule.peers.flatMap((peer: PolicyPeer, index): readonly Far[] => {
    const { ipBlock } = peer;
    if (!ipBlock) {
      const pods = podsOfPeer(host.scenario, policy.namespace, peer);
      return pods.map((pod) => ({ pod, net: `${pod.ip}/32`, target: host.allowed }));
    }
    const { cidr, except = [] } = ipBlock;
    if (except.length === 0) return [{ net: cidr, target: host.allowed }];
    return [{ net: cidr, target: exceptionChain(host, policy, except, `${rule.index}${index}`) }];
  });
}

function addRule(host: HostChain, policy: KubernetesPolicy, rule: PolicyRule): void {
  const option = host.type === 'Ingress' ? '-s' : '-d';
  const text = comment(`policy ${policy.namespace}/${policy.name} ${host.type.toLowerCase()} rule ${rule.index}`);
  for (const { net, target, pod } of farSides(host, policy, rule)) {
    const receiver = host.type === 'Ingress' ? host.pod : pod;
    const ports = rule.ports.length > 0 ? rule.ports.flatMap((port) => portMatches(port, receiver)) : [''];
    for (const port of ports) {
      const words = [net && `${option} ${net}`, port, text, `-j ${target}`];
      host.tables.append('filter', host.name, words.filter(Boolean).join(' '));
    }
  }
}

function addHost(tables: Tables, scenario: Scenario, pod: LabPod, type: Type): void {
  const policies = kubernetesPolicies(scenario).filter((policy) => policyOn(policy, pod, type));
  if (policies.length === 0) return;
  const number = scenario.pods.indexOf(pod);
  const chain = `${type === 'Ingress' ? 'IN' : 'OUT'}-${number}-${pod.name.slice(0, 14)}`;
  const host: HostChain = {
    tables,
    scenario,
    pod,
    name: chain,
    type,
    allowed: type === 'Ingress' ? 'ACCEPT' : 'TO-HOSTS',
  };
  const word = type.toLowerCase();
  const name = `${pod.namespace}/${pod.name}`;
  const jump = `${comment(`${word} of ${name}`)} -j ${chain}`;
  if (type === 'Ingress') tables.append('filter', 'TO-HOSTS', `-o ${plain.interfaceOf(pod)} ${jump}`);
  else tables.append('filter', 'FORWARD', `-i ${plain.interfaceOf(pod)} ${jump}`);
  for (const policy of policies) for (const rule of rulesOf(policy, type)) addRule(host, policy, rule);
  const log = `-j NFLOG --nflog-prefix "${name}:${word}:deny" --nflog-group 100`;
  tables.append(
    'filter',
    chain,
    `${comment(`${name} ${word} log`)} ${log}`,
    `${comment(`${name} ${word} deny`)} -j DROP`,
  );
}

export const plain: Dialect = {
  name: 'plain',
  attachment: { kind: 'routed' },
  nflogGroups: [100],
  interfaceOf: (pod) => workloadInterface(pod, 'veth'),
  program(scenario, node) {
    const tables = new Tables();
    const settled = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT';
    tables.append('filter', 'FORWARD', settled, `-m conntrack --ctstate INVALID ${comment('drop invalid')} -j DROP`);
    const pods = scenario.pods.filter((pod) => pod.node === node);
    for (const type of ['Egress', 'Ingress'] as const) for (const pod of pods) addHost(tables, scenario, pod, type);
    tables.append('filter', 'FORWARD', '-j TO-HOSTS');
    tables.append('filter', 'TO-HOSTS', '-j ACCEPT');
    addKubeProxyNat(tables, scenario);
    return { ipsets: [], tables };
  },
};
