/**
 * A second evaluator, for tests only: it reads the objects as they stand, every time, the way the documentation tells it,
 * and knows neither compiling nor indexes. Pods have one known IPv4 address, no nodes, no host network.
 */

export interface NaivePod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

export interface NaiveCluster {
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pods: readonly NaivePod[];
  readonly policies: readonly NaivePolicy[];
}

interface Selects {
  readonly matchLabels?: Readonly<Record<string, string | undefined>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: Selects;
  readonly podSelector?: Selects;
  readonly networks?: readonly string[];
  readonly namespaces?: Selects;
  readonly pods?: { readonly namespaceSelector: Selects; readonly podSelector: Selects };
}

interface Port {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
  readonly portNumber?: { readonly protocol: string; readonly port: number };
  readonly portRange?: { readonly protocol: string; readonly start: number; readonly end: number };
  readonly namedPort?: string;
}

interface Entity {
  readonly selector?: string;
  readonly namespaceSelector?: string;
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly ports?: readonly (number | string)[];
}

interface Rule {
  readonly action?: string;
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly Port[];
  readonly protocol?: string;
  readonly source?: Entity;
  readonly destination?: Entity;
}

interface Spec {
  readonly podSelector?: Selects;
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
  readonly subject?: { readonly namespaces?: Selects; readonly pods?: Peer['pods'] };
  readonly priority?: number;
  readonly tier?: string;
  readonly order?: number;
  readonly selector?: string;
  readonly namespaceSelector?: string;
  readonly types?: readonly string[];
}

/** A policy of any kind, as the tests write it. */
export interface NaivePolicy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Spec;
}

/** A pod, or an address outside of the cluster. */
export type NaiveEnd = NaivePod | { readonly ip: string };

type Answer = { verdict: 'allowed' | 'denied'; decidedBy: string[]; isolatedBy: string[] };
type Query = { source: NaiveEnd; destination: NaiveEnd; protocol: string; port: number };

function isPod(end: NaiveEnd): end is NaivePod {
  return 'name' in end;
}

function labelsMatch(selector: Selects, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const has = key in labels;
    if (operator === 'In' && !(has && values.includes(labels[key] ?? ''))) return false;
    if (operator === 'NotIn' && has && values.includes(labels[key] ?? '')) return false;
    if (operator === 'Exists' && !has) return false;
    if (operator === 'DoesNotExist' && has) return false;
  }
  return true;
}

function bits(ip: string): string {
  return ip
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
}

function inCidr(ip: string, cidr: string): boolean {
  const [net = '', prefix = '32'] = cidr.split('/');
  return bits(ip).slice(0, Number(prefix)) === bits(net).slice(0, Number(prefix));
}

function portMatches(
  protocol: string,
  port: number | string | undefined,
  endPort: number | undefined,
  { destination, ...query }: Query,
): boolean {
  if (query.protocol !== protocol) return false;
  if (port === undefined) return true;
  if (typeof port === 'number') return port <= query.port && query.port <= (endPort ?? port);
  return (
    isPod(destination) &&
    destination.ports.some((p) => p.name === port && p.protocol === protocol && p.port === query.port)
  );
}

function kubernetesRuleMatches(
  rule: Rule,
  peersKey: 'from' | 'to',
  namespace: string,
  peer: NaiveEnd,
  query: Query,
  cluster: NaiveCluster,
): boolean {
  const ports = rule.ports ?? [];
  const portOk = ports.length === 0 || ports.some((p) => portMatches(p.protocol ?? 'TCP', p.port, p.endPort, query));
  const peers = rule[peersKey] ?? [];
  const peerOk =
    peers.length === 0 ||
    peers.some((p) => {
      if (p.ipBlock)
        return inCidr(peer.ip, p.ipBlock.cidr) && !(p.ipBlock.except ?? []).some((e) => inCidr(peer.ip, e));
      if (!isPod(peer)) return false;
      const spaceOk = p.namespaceSelector
        ? labelsMatch(p.namespaceSelector, cluster.namespaces[peer.namespace] ?? {})
        : peer.namespace === namespace;
      return spaceOk && (!p.podSelector || labelsMatch(p.podSelector, peer.labels));
    });
  return portOk && peerOk;
}

function clusterPeerMatches(p: Peer, peer: NaiveEnd, cluster: NaiveCluster): boolean {
  if (p.networks) return p.networks.some((net) => inCidr(peer.ip, net));
  if (!isPod(peer)) return false;
  const labels = cluster.namespaces[peer.namespace] ?? {};
  if (p.namespaces) return labelsMatch(p.namespaces, labels);
  return labelsMatch(p.pods?.namespaceSelector ?? {}, labels) && labelsMatch(p.pods?.podSelector ?? {}, peer.labels);
}

function clusterRuleMatches(
  rule: Rule,
  peersKey: 'from' | 'to',
  peer: NaiveEnd,
  query: Query,
  cluster: NaiveCluster,
): boolean {
  const ports = rule.ports ?? [];
  const portOk =
    ports.length === 0 ||
    ports.some((p) => {
      if (p.portNumber) return portMatches(p.portNumber.protocol, p.portNumber.port, undefined, query);
      if (p.portRange) return portMatches(p.portRange.protocol, p.portRange.start, p.portRange.end, query);
      return portMatches(query.protocol, p.namedPort, undefined, query);
    });
  return portOk && (rule[peersKey] ?? []).some((p) => clusterPeerMatches(p, peer, cluster));
}

/** Calico selectors of the tests: `all()`, or conditions joined by ` && `: `k == 'v'`, `k != 'v'`, `has(k)`, `!has(k)`. */
function calicoMatches(selector: string | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined || selector === 'all()') return true;
  return selector.split(' && ').every((term) => {
    const has = /^(!?)has\((.*)\)$/.exec(term);
    if (has) return (has[2] ?? '') in labels === (has[1] === '');
    const [, key = '', operator, value] = /^(\S+) (==|!=) '(.*)'$/.exec(term) ?? [];
    return (labels[key] === value) === (operator === '==');
  });
}

function calicoEntityMatches(
  entity: Entity | undefined,
  end: NaiveEnd,
  namespace: string | undefined,
  query: Query,
  cluster: NaiveCluster,
): boolean {
  if (!entity) return true;
  if (entity.nets && !entity.nets.some((net) => inCidr(end.ip, net))) return false;
  if (entity.notNets && entity.notNets.some((net) => inCidr(end.ip, net))) return false;
  if (entity.ports && !entity.ports.some((p) => portMatches(query.protocol, ...calicoPort(p), query))) return false;
  if (entity.selector === undefined && entity.namespaceSelector === undefined) return true;
  if (!isPod(end)) return false;
  if (entity.namespaceSelector !== undefined) {
    if (!calicoMatches(entity.namespaceSelector, cluster.namespaces[end.namespace] ?? {})) return false;
  } else if (namespace !== undefined && end.namespace !== namespace) return false;
  return calicoMatches(entity.selector, end.labels);
}

function calicoPort(port: number | string): [number | string, number | undefined] {
  const range = /^(\d+):(\d+)$/.exec(String(port));
  return range ? [Number(range[1]), Number(range[2])] : [port, undefined];
}

function nameOf(policy: NaivePolicy): string {
  return `${policy.kind}${policy.apiVersion === 'projectcalico.org/v3' ? ' calico' : ''} ${policy.metadata.namespace ?? ''}/${policy.metadata.name}`;
}

function kubernetesApplies(policy: NaivePolicy, direction: 'ingress' | 'egress'): boolean {
  const types = policy.spec.policyTypes ?? [];
  if (types.length > 0) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
  return direction === 'ingress' || (policy.spec.egress ?? []).length > 0;
}

function calicoApplies(policy: NaivePolicy, direction: 'ingress' | 'egress'): boolean {
  const { types, ingress, egress } = policy.spec;
  if (types) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress');
  if (direction === 'ingress') return (ingress ?? []).length > 0 || (egress ?? []).length === 0;
  return (egress ?? []).length > 0;
}

/** One direction at one end. Priorities of cluster policies are all different in the tests. */
function judge(direction: 'ingress' | 'egress', query: Query, cluster: NaiveCluster): Answer {
  const [subject, peer] =
    direction === 'ingress' ? [query.destination, query.source] : [query.source, query.destination];
  if (!isPod(subject)) return { verdict: 'allowed', decidedBy: [], isolatedBy: [] };
  const peersKey = direction === 'ingress' ? 'from' : 'to';
  const allNs = cluster.namespaces[subject.namespace] ?? {};

  const clusterTier = (kind: string): Answer | undefined => {
    const policies = cluster.policies
      .filter((p) => p.kind === kind)
      .filter(({ spec }) =>
        spec.subject?.namespaces
          ? labelsMatch(spec.subject.namespaces, allNs)
          : labelsMatch(spec.subject?.pods?.namespaceSelector ?? {}, allNs) &&
            labelsMatch(spec.subject?.pods?.podSelector ?? {}, subject.labels),
      )
      .sort((a, b) => (a.spec.priority ?? 0) - (b.spec.priority ?? 0));
    for (const policy of policies) {
      for (const [i, rule] of (policy.spec[direction] ?? []).entries()) {
        if (!clusterRuleMatches(rule, peersKey, peer, query, cluster)) continue;
        if (rule.action === 'Pass') return undefined;
        return {
          verdict: rule.action === 'Deny' ? 'denied' : 'allowed',
          decidedBy: [`${nameOf(policy)} ${i}`],
          isolatedBy: [],
        };
      }
    }
    return undefined;
  };

  const admin = clusterTier('AdminNetworkPolicy');
  if (admin) return admin;

  const kubernetes = cluster.policies
    .filter(
      (p) =>
        p.kind === 'NetworkPolicy' &&
        p.apiVersion === 'networking.k8s.io/v1' &&
        p.metadata.namespace === subject.namespace,
    )
    .filter((p) => kubernetesApplies(p, direction) && labelsMatch(p.spec.podSelector ?? {}, subject.labels));
  const calico = cluster.policies
    .filter((p) => p.apiVersion === 'projectcalico.org/v3' && p.kind !== 'Tier')
    .filter((p) => calicoApplies(p, direction) && calicoMatches(p.spec.selector, subject.labels))
    .filter((p) =>
      p.kind === 'NetworkPolicy'
        ? p.metadata.namespace === subject.namespace
        : p.spec.namespaceSelector === undefined || calicoMatches(p.spec.namespaceSelector, allNs),
    );
  const tiers = [
    ...new Set([...calico.map((p) => p.spec.tier ?? 'default'), ...(kubernetes.length > 0 ? ['default'] : [])]),
  ];
  const tierOrder = (name: string): number =>
    name === 'default'
      ? 1_000_000
      : (cluster.policies.find((p) => p.kind === 'Tier' && p.metadata.name === name)?.spec.order ?? Infinity);
  tiers.sort((a, b) => tierOrder(a) - tierOrder(b));
  nextTier: for (const tier of tiers) {
    const own = calico.filter((p) => (p.spec.tier ?? 'default') === tier);
    const knps = tier === 'default' ? kubernetes : [];
    const isolatedBy = [...own, ...knps].map(nameOf);
    // Orders of Calico policies are all different, and none is 1000.
    const items = [
      ...own.map((p) => ({ order: p.spec.order ?? Infinity, calico: [p], knps: [] as NaivePolicy[] })),
      ...(knps.length > 0 ? [{ order: 1000, calico: [] as NaivePolicy[], knps }] : []),
    ];
    items.sort((a, b) => a.order - b.order);
    for (const item of items) {
      const hits = item.knps.flatMap((p) =>
        (p.spec[direction] ?? []).flatMap((rule: Rule, i: number) =>
          kubernetesRuleMatches(rule, peersKey, subject.namespace, peer, query, cluster) ? [`${nameOf(p)} ${i}`] : [],
        ),
      );
      if (hits.length > 0) return { verdict: 'allowed', decidedBy: hits, isolatedBy };
      for (const policy of item.calico) {
        const namespace = policy.kind === 'NetworkPolicy' ? policy.metadata.namespace : undefined;
        for (const [i, rule] of (policy.spec[direction] ?? []).entries()) {
          if (rule.protocol && rule.protocol !== query.protocol) continue;
          if (!calicoEntityMatches(rule.source, query.source, namespace, query, cluster)) continue;
          if (!calicoEntityMatches(rule.destination, query.destination, namespace, query, cluster)) continue;
          if (rule.action === 'Log') continue;
          if (rule.action === 'Pass') continue nextTier;
          return {
            verdict: rule.action === 'Deny' ? 'denied' : 'allowed',
            decidedBy: [`${nameOf(policy)} ${i}`],
            isolatedBy,
          };
        }
      }
    }
    return { verdict: 'denied', decidedBy: [], isolatedBy };
  }
  return clusterTier('BaselineAdminNetworkPolicy') ?? { verdict: 'allowed', decidedBy: [], isolatedBy: [] };
}

/** Both directions. A pod always reaches itself. */
export function naiveVerdict(query: Query, cluster: NaiveCluster): { egress: Answer; ingress: Answer } {
  const open: Answer = { verdict: 'allowed', decidedBy: [], isolatedBy: [] };
  if (query.source === query.destination) return { egress: open, ingress: open };
  return { egress: judge('egress', query, cluster), ingress: judge('ingress', query, cluster) };
}
