import { createHash } from 'node:crypto';
import {
  kubernetesPolicies,
  namespaceLabels,
  podsOfPeer,
  policyOn,
  policyTypes,
  rulesOf,
  selects,
  selectorText,
} from '../selectors.js';
import type { KubernetesPolicy, LabelSelector, LabPod, PolicyPeer, PolicyPort, Scenario } from '../scenario.js';
import type { Dialect, Ipset, NodeProgram } from './dialect.js';
import { workloadInterface } from './felix.js';
import { addKubeProxyFilter, addKubeProxyNat } from './kube-proxy.js';
import { Tables } from './tables.js';

/** Weave Net's policy controller: weaveworks/weave `npc/`, `net/bridge.go`. */

type Type = 'Ingress' | 'Egress';

const DIGITS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789(){}[]+=_$%^!*|/?.;:@#~';

/** Set names are a hash in base 85, least significant digit first, cut to 31 characters. */
export function weaveSet(key: string): string {
  let rest = BigInt(`0x${createHash('sha1').update(key).digest('hex')}`);
  let text = '';
  const base = BigInt(DIGITS.length);
  while (rest > 0n) {
    text += DIGITS[Number(rest % base)];
    rest /= base;
  }
  return `weave-${text}`.slice(0, 31);
}

const comment = (text: string): string => `-m comment --comment "${text}"`;

interface Build {
  readonly scenario: Scenario;
  readonly tables: Tables;
  readonly sets: Map<string, Ipset>;
}

const podMember = (pod: LabPod): string => `${pod.ip} comment "namespace: ${pod.namespace}, pod: ${pod.name}"`;

function addSet(build: Build, key: string, create: string, members: readonly string[]): string {
  const name = weaveSet(key);
  build.sets.set(name, { name, create, members });
  return name;
}

function podSet(build: Build, key: string, pods: readonly LabPod[]): string {
  return addSet(build, key, 'hash:ip comment', pods.map(podMember));
}

function namespaceSet(build: Build, namespace: string): string {
  return podSet(
    build,
    `${namespace}:`,
    build.scenario.pods.filter((pod) => pod.namespace === namespace),
  );
}

function selectedPods(build: Build, namespace: string, selector: LabelSelector): string {
  const pods = build.scenario.pods.filter((pod) => pod.namespace === namespace && selects(selector, pod.labels));
  return podSet(build, `${namespace}:${selectorText(selector)}`, pods);
}

/** How a side of a rule reads in a comment, and how it matches. */
interface Side {
  readonly text: string;
  readonly match: (side: 'src' | 'dst') => string;
}

const ANYWHERE: Side = { text: 'anywhere', match: () => '' };
const matchSet =
  (name: string) =>
  (side: 'src' | 'dst'): string =>
    `-m set --match-set ${name} ${side}`;

function targetSide(build: Build, policy: KubernetesPolicy): Side {
  const { namespace, spec } = policy;
  const name = selectedPods(build, namespace, spec.podSelector);
  return { text: `pods: namespace: ${namespace}, selector: ${selectorText(spec.podSelector)}`, match: matchSet(name) };
}

function namespacesSide(build: Build, selector: LabelSelector): Side {
  const spaces = build.scenario.namespaces.filter((each) => selects(selector, namespaceLabels(each, each.name)));
  const members = spaces.map((each) => `${namespaceSet(build, each.name)} comment "namespace: ${each.name}"`);
  const text = selectorText(selector);
  // Its members have to exist before it.
  const name = addSet(build, `:${text}`, 'list:set size 1024 comment', members);
  return { text: `namespaces: selector: ${text}`, match: matchSet(name) };
}

function blockSide(build: Build, namespace: string, block: NonNullable<PolicyPeer['ipBlock']>): Side {
  const except = [...(block.except ?? [])].sort();
  const text = `cidr: ${block.cidr}${except.length > 0 ? ` except [${except.join(' ')}]` : ''}`;
  const members = except.map((net) => `${net} comment "excepted from ${block.cidr}"`);
  const key = `${namespace}:ipblock-except:${except.join(' ')}`;
  const name = except.length > 0 ? addSet(build, key, 'hash:net comment', members) : undefined;
  return {
    text,
    match: (side) =>
      `${side === 'src' ? '-s' : '-d'} ${block.cidr}${name ? ` -m set ! --match-set ${name} ${side}` : ''}`,
  };
}

function peerSide(build: Build, namespace: string, peer: PolicyPeer): Side {
  if (peer.ipBlock) return blockSide(build, namespace, peer.ipBlock);
  if (!peer.namespaceSelector) {
    const selector = peer.podSelector ?? {};
    const name = selectedPods(build, namespace, selector);
    return { text: `pods: namespace: ${namespace}, selector: ${selectorText(selector)}`, match: matchSet(name) };
  }
  // Without labels both forms have one name, and mean the same pods.
  if (selectorText(peer.podSelector ?? {}) === '') return namespacesSide(build, peer.namespaceSelector);
  const text = selectorText(peer.namespaceSelector) + selectorText(peer.podSelector ?? {});
  const name = podSet(build, `:${text}`, podsOfPeer(build.scenario, namespace, peer));
  return { text: `namespaces: selector: ${text}`, match: matchSet(name) };
}

function portMatch({ protocol = 'TCP', port }: PolicyPort): readonly [string, string] {
  const name = protocol.toLowerCase();
  return [`-p ${name}`, `-m ${name} --dport ${port ?? '0:65535'}`];
}

interface WeaveRule {
  readonly match: string;
  readonly text: string;
}

/** One rule per peer and port; the same rule of several policies is there once. */
function weaveRules(build: Build, type: Type, withDirection: boolean): readonly WeaveRule[] {
  const rules = new Map<string, WeaveRule>();
  for (const policy of kubernetesPolicies(build.scenario)) {
    const target = targetSide(build, policy);
    for (const rule of rulesOf(policy, type)) {
      const peers =
        rule.peers.length > 0 ? rule.peers.map((peer) => peerSide(build, policy.namespace, peer)) : [ANYWHERE];
      const ports = rule.ports.length > 0 ? rule.ports.map(portMatch) : [['', ''] as const];
      for (const peer of peers) {
        for (const [protocol, dport] of ports) {
          const [source, destination] = type === 'Ingress' ? [peer, target] : [target, peer];
          const direction = withDirection ? ` (${type.toLowerCase()})` : '';
          const text = `${source.text} -> ${destination.text}${direction}`;
          const match = [protocol, source.match('src'), destination.match('dst'), dport].filter(Boolean).join(' ');
          rules.set(match + text, { match, text });
        }
      }
    }
  }
  return [...rules.values()];
}

function isolatedPods(scenario: Scenario, type: Type): ReadonlySet<LabPod> {
  const policies = kubernetesPolicies(scenario);
  return new Set(scenario.pods.filter((pod) => policies.some((policy) => policyOn(policy, pod, type))));
}

function addDefaultAllow(build: Build, type: Type): void {
  const isolated = isolatedPods(build.scenario, type);
  const word = type.toLowerCase();
  for (const { name } of build.scenario.namespaces) {
    const open = build.scenario.pods.filter((pod) => pod.namespace === name && !isolated.has(pod));
    const set = podSet(build, `${word}-default-allow:${name}`, open);
    const text = comment(`DefaultAllow ${word} isolation for namespace: ${name}`);
    if (type === 'Ingress') {
      build.tables.append('filter', 'WEAVE-NPC-DEFAULT', `-m set --match-set ${set} dst ${text} -j ACCEPT`);
      continue;
    }
    const match = `-m set --match-set ${set} src ${text}`;
    build.tables.append(
      'filter',
      'WEAVE-NPC-EGRESS-DEFAULT',
      `${match} -j WEAVE-NPC-EGRESS-ACCEPT`,
      `${match} -j RETURN`,
    );
  }
}

const FIRST = comment("NOTE: this must go before '-j KUBE-FORWARD'");
const NFLOG = '-m state --state NEW -j NFLOG --nflog-group 86';

function addHooks(tables: Tables, egress: boolean): void {
  if (egress) tables.append('filter', 'INPUT', '-i weave -j WEAVE-NPC-EGRESS');
  if (egress) tables.append('filter', 'FORWARD', `-i weave ${FIRST} -j WEAVE-NPC-EGRESS`);
  tables.append(
    'filter',
    'FORWARD',
    `-o weave ${FIRST} -j WEAVE-NPC`,
    `-o weave ${NFLOG}`,
    '-o weave -j DROP',
    '-i weave ! -o weave -j ACCEPT',
    '-o weave -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  );
}

function addMain(tables: Tables): void {
  tables.append(
    'filter',
    'WEAVE-NPC',
    '-m state --state RELATED,ESTABLISHED -j ACCEPT',
    '-d 224.0.0.0/4 -j ACCEPT',
    '-m physdev --physdev-out vethwe-bridge --physdev-is-bridged -j ACCEPT',
    '-m state --state NEW -j WEAVE-NPC-DEFAULT',
    '-m state --state NEW -j WEAVE-NPC-INGRESS',
  );
  tables.empty('filter', 'WEAVE-NPC-DEFAULT', 'WEAVE-NPC-INGRESS');
}

function addEgressMain(tables: Tables, enforced: boolean): void {
  const unmarked = '-m mark ! --mark 0x40000/0x40000';
  tables.append(
    'filter',
    'WEAVE-NPC-EGRESS',
    '-m state --state RELATED,ESTABLISHED -j ACCEPT',
    '-m physdev --physdev-in vethwe-bridge --physdev-is-bridged -j RETURN',
    '-m addrtype --dst-type LOCAL -j RETURN',
    '-d 224.0.0.0/4 -j RETURN',
    '-m state --state NEW -j WEAVE-NPC-EGRESS-DEFAULT',
    `-m state --state NEW ${unmarked} -j WEAVE-NPC-EGRESS-CUSTOM`,
    // Only a policy with egress brings these two.
    ...(enforced ? [`-m state --state NEW ${unmarked} -j NFLOG --nflog-group 86`, `${unmarked} -j DROP`] : []),
  );
  tables.append('filter', 'WEAVE-NPC-EGRESS-ACCEPT', '-j MARK --set-xmark 0x40000/0x40000');
  tables.empty('filter', 'WEAVE-NPC-EGRESS-DEFAULT', 'WEAVE-NPC-EGRESS-CUSTOM');
}

const weave = {
  name: 'weave-npc',
  attachment: { kind: 'overlay', bridge: 'weave', port: 'vethwe-bridge' },
  nflogGroups: [86],
  digest: 'weave-npc',
  // The plugin takes 7 characters of the container's id, which nobody outside knows.
  interfaceOf: (pod: LabPod) => workloadInterface(pod, 'vethwepl').slice(0, 15),
} as const;

const finish = ({ scenario, tables, sets }: Build): NodeProgram => {
  addKubeProxyFilter(tables, scenario);
  addKubeProxyNat(tables, scenario);
  return { ipsets: [...sets.values()], tables };
};

/** Version 2.8: both directions, isolation as in networking.k8s.io/v1. */
export const weaveNpc: Dialect = {
  ...weave,
  program(scenario) {
    const build: Build = { scenario, tables: new Tables(), sets: new Map() };
    const egress = kubernetesPolicies(scenario).some((policy) => policyTypes(policy).includes('Egress'));
    addHooks(build.tables, true);
    addMain(build.tables);
    addEgressMain(build.tables, egress);
    addDefaultAllow(build, 'Ingress');
    addDefaultAllow(build, 'Egress');
    for (const { match, text } of weaveRules(build, 'Ingress', true)) {
      build.tables.append('filter', 'WEAVE-NPC-INGRESS', `${match} ${comment(text)} -j ACCEPT`);
    }
    for (const { match, text } of weaveRules(build, 'Egress', true)) {
      const words = `${match} ${comment(text)}`;
      build.tables.append(
        'filter',
        'WEAVE-NPC-EGRESS-CUSTOM',
        `${words} -j WEAVE-NPC-EGRESS-ACCEPT`,
        `${words} -j RETURN`,
      );
    }
    return finish(build);
  },
};

const BETA = 'net.beta.kubernetes.io/network-policy';

/** Version 2.0: ingress only, and only in namespaces whose annotation asks for it. */
export const weaveNpcBeta: Dialect = {
  ...weave,
  program(scenario, node) {
    const build: Build = { scenario, tables: new Tables(), sets: new Map() };
    addHooks(build.tables, false);
    build.tables.append(
      'filter',
      'WEAVE-NPC',
      '-m state --state RELATED,ESTABLISHED -j ACCEPT',
      '-d 224.0.0.0/4 -j ACCEPT',
      '-m state --state NEW -j WEAVE-NPC-DEFAULT',
      '-m state --state NEW -j WEAVE-NPC-INGRESS',
      '-m set ! --match-set weave-local-pods dst -j ACCEPT',
    );
    build.tables.empty('filter', 'WEAVE-NPC-DEFAULT', 'WEAVE-NPC-INGRESS');
    const local = scenario.pods.filter((pod) => pod.node === node);
    build.sets.set('weave-local-pods', {
      name: 'weave-local-pods',
      create: 'hash:ip comment',
      members: local.map(podMember),
    });
    for (const namespace of scenario.namespaces) {
      const set = namespaceSet(build, namespace.name);
      if (namespace.annotations?.[BETA]?.includes('DefaultDeny')) continue;
      const text = comment(`DefaultAllow isolation for namespace: ${namespace.name}`);
      build.tables.append('filter', 'WEAVE-NPC-DEFAULT', `-m set --match-set ${set} dst ${text} -j ACCEPT`);
    }
    for (const { match, text } of weaveRules(build, 'Ingress', false)) {
      build.tables.append('filter', 'WEAVE-NPC-INGRESS', `${match} ${comment(text)} -j ACCEPT`);
    }
    return finish(build);
  },
};
