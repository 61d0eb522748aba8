import { kubernetesPolicies, namespaceLabels, policyTypes, rulesOf } from '../selectors.js';
import type { KubernetesPolicy, LabelSelector, LabPod, PolicyPeer, PolicyPort, Scenario } from '../scenario.js';
import { LabError } from '../shell.js';
import type { Dialect, Ipset } from './dialect.js';
import { workloadInterface } from './felix.js';
import { addKubeProxyFilter, addKubeProxyNat } from './kube-proxy.js';
import { Tables } from './tables.js';

/** Azure NPM v2 with classic names: Azure/azure-container-networking `npm/pkg/dataplane/policies`. */

type Type = 'Ingress' | 'Egress';

/** FNV-1a, 32 bits, decimal. */
export function fnv(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return `${hash >>> 0}`;
}

const setName = (prefixed: string): string => `azure-npm-${fnv(prefixed)}`;
const comment = (text: string): string => `-m comment --comment "${text}"`;

interface Build {
  readonly scenario: Scenario;
  readonly tables: Tables;
  readonly sets: Map<string, Ipset>;
}

/** One set in a match, by its prefixed name; `not` where the selector says so. */
interface SetTerm {
  readonly prefixed: string;
  readonly not: boolean;
}

function addSet(build: Build, prefixed: string, create: string, members: readonly string[]): void {
  const name = setName(prefixed);
  build.sets.set(name, { name, create, members });
}

const ips = (pods: readonly LabPod[]): readonly string[] => pods.map((pod) => pod.ip);

function namespaceTerm(build: Build, namespace: string): SetTerm {
  const prefixed = `ns-${namespace}`;
  addSet(build, prefixed, 'hash:net', ips(build.scenario.pods.filter((pod) => pod.namespace === namespace)));
  return { prefixed, not: false };
}

const keyed = (prefix: string, key: string, value: string | undefined): string =>
  value === undefined ? `${prefix}-${key}` : `${prefix}-${key}:${value}`;

function podTerm(build: Build, key: string, value: string | undefined, not: boolean): SetTerm {
  const prefixed = keyed('podlabel', key, value);
  const pods = build.scenario.pods.filter((pod) =>
    value === undefined ? key in pod.labels : pod.labels[key] === value,
  );
  addSet(build, prefixed, 'hash:net', ips(pods));
  return { prefixed, not };
}

function namespaceLabelTerm(build: Build, key: string, value: string | undefined, not: boolean): SetTerm {
  const prefixed = keyed('nslabel', key, value);
  const spaces = build.scenario.namespaces.filter((each) => {
    const labels = namespaceLabels(each, each.name);
    return value === undefined ? key in labels : labels[key] === value;
  });
  const members = spaces.map((each) => setName(namespaceTerm(build, each.name).prefixed));
  addSet(build, prefixed, 'list:set', members);
  return { prefixed, not };
}

type Term = (build: Build, key: string, value: string | undefined, not: boolean) => SetTerm;

function selectorTerms(build: Build, selector: LabelSelector, term: Term): readonly SetTerm[] {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => term(build, key, value, false));
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists' || operator === 'DoesNotExist') return term(build, key, undefined, operator !== 'Exists');
    const [value, ...more] = values;
    if (more.length > 0) throw new LabError('The lab does not write selectors with several values for Azure');
    return term(build, key, value, operator === 'NotIn');
  });
  return [...equal, ...expressions];
}

function targetTerms(build: Build, policy: KubernetesPolicy): readonly SetTerm[] {
  const labels = selectorTerms(build, policy.spec.podSelector, podTerm);
  return [...labels, namespaceTerm(build, policy.namespace)];
}

function blockTerm(build: Build, policy: KubernetesPolicy, peer: PolicyPeer, place: string): SetTerm {
  const { cidr = '', except = [] } = peer.ipBlock ?? {};
  const prefixed = `cidr-${policy.name}-in-ns-${policy.namespace}-${place}`;
  const nets = cidr === '0.0.0.0/0' ? ['0.0.0.0/1', '128.0.0.0/1'] : [cidr];
  const members = [...nets, ...except.map((net) => `${net} nomatch`)];
  addSet(build, prefixed, 'hash:net maxelem 4294967295', members);
  return { prefixed, not: false };
}

function peerTerms(build: Build, policy: KubernetesPolicy, peer: PolicyPeer, place: string): readonly SetTerm[] {
  if (peer.ipBlock) return [blockTerm(build, policy, peer, place)];
  const pods = selectorTerms(build, peer.podSelector ?? {}, podTerm);
  if (!peer.namespaceSelector) return [...pods, namespaceTerm(build, policy.namespace)];
  const spaces = selectorTerms(build, peer.namespaceSelector, namespaceLabelTerm);
  if (spaces.length > 0) return [...spaces, ...pods];
  const everywhere = build.scenario.namespaces.map((each) => setName(namespaceTerm(build, each.name).prefixed));
  addSet(build, 'nslabel-all-namespaces', 'list:set', everywhere);
  return [{ prefixed: 'nslabel-all-namespaces', not: false }, ...pods];
}

const matchTerms = (terms: readonly SetTerm[], side: 'src' | 'dst'): string =>
  terms.map(({ prefixed, not }) => `-m set ${not ? '! ' : ''}--match-set ${setName(prefixed)} ${side}`).join(' ');
const textOf = (terms: readonly SetTerm[]): string =>
  terms.map(({ prefixed, not }) => (not ? `!${prefixed}` : prefixed)).join('-AND-');

interface PortPart {
  readonly match: string;
  readonly text: string;
}

function portPart(build: Build, { protocol = 'TCP', port, endPort }: PolicyPort): PortPart {
  const name = protocol.toLowerCase();
  if (port === undefined) return { match: `-p ${name}`, text: `-ON-${protocol}` };
  if (typeof port === 'number') {
    const range = endPort === undefined ? `${port}` : `${port}:${endPort}`;
    return { match: `-p ${name} -m ${name} --dport ${range}`, text: `-ON-${protocol}-TO-PORT-${range}` };
  }
  const prefixed = `namedport:${port}`;
  const members = build.scenario.pods.flatMap((pod) =>
    pod.ports.filter((each) => each.name === port).map((each) => `${pod.ip},${name}:${each.port}`),
  );
  addSet(build, prefixed, 'hash:ip,port', members);
  return {
    match: `-p ${name} -m set --match-set ${setName(prefixed)} dst,dst`,
    text: `-ON-${protocol}-TO-${prefixed}`,
  };
}

function allowRules(build: Build, policy: KubernetesPolicy, type: Type): readonly string[] {
  const target = type === 'Ingress' ? 'AZURE-NPM-INGRESS-ALLOW-MARK' : 'AZURE-NPM-ACCEPT';
  const side = type === 'Ingress' ? 'src' : 'dst';
  const rules = rulesOf(policy, type);
  // A rule that admits everything makes the whole direction one rule.
  const open = rules.some((rule) => rule.peers.length === 0 && rule.ports.length === 0);
  if (open) return [`${comment('ALLOW-ALL')} -j ${target}`];
  const allowed = rules.flatMap((rule) => {
    const ports = rule.ports.length > 0 ? rule.ports.map((port) => portPart(build, port)) : [{ match: '', text: '' }];
    const peers: readonly (readonly SetTerm[])[] =
      rule.peers.length > 0
        ? rule.peers.map((peer, index) =>
            peerTerms(build, policy, peer, `${rule.index}-${index}${type === 'Ingress' ? 'IN' : 'OUT'}`),
          )
        : [[]];
    return peers.flatMap((terms) =>
      ports.map((port) => {
        const who = terms.length > 0 ? `${type === 'Ingress' ? 'FROM' : 'TO'}-${textOf(terms)}` : 'ALL';
        return [port.match, matchTerms(terms, side), comment(`ALLOW-${who}${port.text}`), `-j ${target}`]
          .filter(Boolean)
          .join(' ');
      }),
    );
  });
  const mark = type === 'Ingress' ? '0x400/0x400' : '0x800/0x800';
  return [...allowed, `${comment('DROP-ALL')} -j MARK --set-xmark ${mark}`];
}

function addPolicy(build: Build, policy: KubernetesPolicy, type: Type): void {
  const key = `${policy.namespace}/${policy.name}`;
  const word = type.toUpperCase();
  const chain = `AZURE-NPM-${word}-${fnv(key)}`;
  const terms = targetTerms(build, policy);
  const preposition = type === 'Ingress' ? 'TO' : 'FROM';
  const text = `${word}-POLICY-${key}-${preposition}-${textOf(terms)}-IN-ns-${policy.namespace}`;
  const match = matchTerms(terms, type === 'Ingress' ? 'dst' : 'src');
  build.tables.append('filter', `AZURE-NPM-${word}`, `${match} ${comment(text)} -j ${chain}`);
  build.tables.append('filter', chain, ...allowRules(build, policy, type));
}

function addBase(tables: Tables): void {
  tables.append('filter', 'AZURE-NPM', '-j AZURE-NPM-INGRESS', '-j AZURE-NPM-EGRESS', '-j AZURE-NPM-ACCEPT');
  tables.append('filter', 'AZURE-NPM-ACCEPT', '-j ACCEPT');
  const mark = comment('SET-INGRESS-ALLOW-MARK-0x200/0x200');
  tables.append(
    'filter',
    'AZURE-NPM-INGRESS-ALLOW-MARK',
    `${mark} -j MARK --set-xmark 0x200/0x200`,
    '-j AZURE-NPM-EGRESS',
  );
}

function addEnds(tables: Tables): void {
  const end = (mark: string, text: string, target: string) => `-m mark --mark ${mark} ${comment(text)} -j ${target}`;
  tables.append('filter', 'AZURE-NPM-INGRESS', end('0x400/0x400', 'DROP-ON-INGRESS-DROP-MARK-0x400/0x400', 'DROP'));
  tables.append(
    'filter',
    'AZURE-NPM-EGRESS',
    end('0x800/0x800', 'DROP-ON-EGRESS-DROP-MARK-0x800/0x800', 'DROP'),
    end('0x200/0x200', 'ACCEPT-ON-INGRESS-ALLOW-MARK-0x200/0x200', 'AZURE-NPM-ACCEPT'),
  );
}

export const azureNpm: Dialect = {
  name: 'azure-npm',
  attachment: { kind: 'routed' },
  nflogGroups: [],
  interfaceOf: (pod) => workloadInterface(pod, 'azv'),
  program(scenario) {
    const build: Build = { scenario, tables: new Tables(), sets: new Map() };
    const policies = kubernetesPolicies(scenario);
    // As AKS configures it: before kube-proxy's rules.
    build.tables.append('filter', 'FORWARD', '-m conntrack --ctstate NEW -j AZURE-NPM');
    addKubeProxyFilter(build.tables, scenario);
    addKubeProxyNat(build.tables, scenario);
    if (policies.length === 0) build.tables.empty('filter', 'AZURE-NPM');
    else addBase(build.tables);
    // A new policy goes to the top.
    for (const policy of [...policies].reverse())
      for (const type of policyTypes(policy)) addPolicy(build, policy, type);
    if (policies.length > 0) addEnds(build.tables);
    return { ipsets: [...build.sets.values()], tables: build.tables };
  },
};
