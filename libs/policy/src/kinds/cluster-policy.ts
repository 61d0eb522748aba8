import type { KubernetesObject, PolicyDirection } from '@whydrop/model';
import { networkOf } from '../address.js';
import { policyRef, type CompiledPolicy, type Family } from '../compiled-policy.js';
import {
  domainNames,
  hasProtocol,
  inNetwork,
  namespaceLabels,
  nodeLabels,
  podLabels,
  portBetween,
  portNamed,
} from '../criteria.js';
import type { End, Side } from '../end.js';
import { compileLabelSelector, selectorMatches, type LabelSelector } from '../label-selector.js';
import type { Alternative, CompiledDirection, CompiledRule, Criterion, Group } from '../rule.js';
import { orderOf } from '../tiers.js';
import {
  describe,
  fieldsOf,
  isFields,
  mapping,
  scalarText,
  sequence,
  wholeNumber,
  type Fields,
  type Problem,
} from '../yaml-value.js';

/**
 * What AdminNetworkPolicy, BaselineAdminNetworkPolicy (v1alpha1) and ClusterNetworkPolicy (v1alpha2) have in common. A
 * part that is not understood fails closed: a rule that allows then matches nothing, one that denies or passes denies
 * everything. Source: kubernetes-sigs/network-policy-api apis/v1alpha1, apis/v1alpha2.
 */

interface Place {
  readonly direction: PolicyDirection;
  readonly peerSide: Side;
  readonly problems: Problem[];
}

/** A part of a rule that has no field this version knows. */
const NOT_UNDERSTOOD = undefined;

function namespacePeer(value: Fields, path: string, place: Place): Criterion {
  // v1alpha1 before v0.1.2 wrote namespaces: {namespaceSelector: …}.
  const old = isFields(value['namespaceSelector']);
  const selector = old ? value['namespaceSelector'] : value;
  const at = old ? `${path}.namespaceSelector` : path;
  return namespaceLabels(place.peerSide, compileLabelSelector(selector, `spec.${at}`, place.problems), at);
}

function podPeer(value: Fields, path: string, place: Place): readonly Criterion[] {
  const spaces = isFields(value['namespaces']) ? 'namespaces' : 'namespaceSelector';
  const pods = compileLabelSelector(value['podSelector'], `spec.${path}.podSelector`, place.problems);
  return [
    namespacePeer(fieldsOf(value[spaces]), `${path}.${spaces}`, place),
    podLabels(place.peerSide, pods, `${path}.podSelector`),
  ];
}

function networkPeers(values: readonly unknown[], path: string, place: Place): readonly Alternative[] {
  return values.flatMap((value, i) => {
    const at = `${path}.networks[${i}]`;
    const network = networkOf(scalarText(value) ?? '');
    if (network) return [{ path: at, criteria: inNetwork(place.peerSide, network, [], at) }];
    place.problems.push({ path: `spec.${at}`, detail: `not a network: ${describe(value)}` });
    return [];
  });
}

/** A peer as alternatives (each network is one); undefined when it has no field that is understood. */
function peer(value: unknown, path: string, place: Place): readonly Alternative[] | undefined {
  const fields = fieldsOf(value);
  const { namespaces, pods, nodes } = fields;
  if (isFields(namespaces)) return [{ path, criteria: [namespacePeer(namespaces, `${path}.namespaces`, place)] }];
  if (isFields(pods)) return [{ path, criteria: podPeer(pods, `${path}.pods`, place) }];
  if (place.direction === 'ingress') return NOT_UNDERSTOOD;
  if (isFields(nodes)) {
    const selector = compileLabelSelector(nodes, `spec.${path}.nodes`, place.problems);
    return [{ path, criteria: [nodeLabels(place.peerSide, selector, `${path}.nodes`)] }];
  }
  const networks = sequence(fields['networks'], `spec.${path}.networks`, place.problems);
  if (networks && networks.length > 0) return networkPeers(networks, path, place);
  const names = sequence(fields['domainNames'], `spec.${path}.domainNames`, place.problems);
  if (!names || names.length === 0) return NOT_UNDERSTOOD;
  const domains = names.map((name) => scalarText(name) ?? '');
  return [{ path, criteria: [domainNames(place.peerSide, domains, `${path}.domainNames`)] }];
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

function range(
  first: number | undefined,
  last: number | undefined,
  protocol: string,
  path: string,
): readonly Criterion[] | undefined {
  if (!PROTOCOLS.includes(protocol)) return NOT_UNDERSTOOD;
  if (first === undefined || last === undefined || first < 1 || last > 65535 || last < first) return NOT_UNDERSTOOD;
  return [hasProtocol(protocol, path), portBetween(first, last, protocol, path)];
}

function protocolOf(fields: Fields): string {
  return (scalarText(fields['protocol']) ?? 'TCP').toUpperCase() || 'TCP';
}

/** v1alpha1: `portNumber`, `portRange` or `namedPort`. */
function port(fields: Fields, path: string): readonly Criterion[] | undefined {
  const { portNumber, portRange, namedPort } = fields;
  if (isFields(portNumber)) {
    const number = wholeNumber(portNumber['port']);
    return range(number, number, protocolOf(portNumber), `${path}.portNumber`);
  }
  if (isFields(portRange)) {
    const ends = [wholeNumber(portRange['start']), wholeNumber(portRange['end'])] as const;
    return range(ends[0], ends[1], protocolOf(portRange), `${path}.portRange`);
  }
  const name = scalarText(namedPort);
  return name ? [portNamed(name, undefined, `${path}.namedPort`)] : NOT_UNDERSTOOD;
}

function destinationPort(value: unknown, protocol: string, path: string): readonly Criterion[] | undefined {
  if (value === undefined || value === null) return [hasProtocol(protocol, path)];
  const fields = fieldsOf(value);
  const between = fields['range'];
  const number = wholeNumber(fields['number']);
  if (isFields(between)) {
    return range(wholeNumber(between['start']), wholeNumber(between['end']), protocol, `${path}.destinationPort.range`);
  }
  return range(number, number, protocol, `${path}.destinationPort.number`);
}

/** v1alpha2: `tcp`, `udp`, `sctp` with a destinationPort, or `destinationNamedPort`. */
function protocol(fields: Fields, path: string): readonly Criterion[] | undefined {
  const name = scalarText(fields['destinationNamedPort']);
  if (name) return [portNamed(name, undefined, `${path}.destinationNamedPort`)];
  const key = ['tcp', 'udp', 'sctp'].find((one) => fields[one] !== undefined);
  if (key === undefined) return NOT_UNDERSTOOD;
  return destinationPort(fieldsOf(fields[key])['destinationPort'], key.toUpperCase(), `${path}.${key}`);
}

/** How the kinds differ: where ports stand, what accepting is called. */
interface Dialect {
  readonly portsKey: 'ports' | 'protocols';
  readonly port: (fields: Fields, path: string) => readonly Criterion[] | undefined;
  readonly actions: ReadonlyMap<string, 'allow' | 'deny' | 'pass'>;
}

const V1ALPHA1: Dialect = {
  portsKey: 'ports',
  port,
  actions: new Map([
    ['allow', 'allow'],
    ['deny', 'deny'],
    ['pass', 'pass'],
  ]),
};

const V1ALPHA2: Dialect = {
  portsKey: 'protocols',
  port: protocol,
  actions: new Map([
    ['accept', 'allow'],
    ['allow', 'allow'],
    ['deny', 'deny'],
    ['pass', 'pass'],
  ]),
};

function peers(fields: Fields, path: string, place: Place): Group | undefined {
  const key = place.direction === 'ingress' ? 'from' : 'to';
  const at = `${path}.${key}`;
  const items = sequence(fields[key], `spec.${at}`, place.problems) ?? [];
  const any = items.map((item, i) => peer(item, `${at}[${i}]`, place));
  const unknown = any.findIndex((alternatives) => alternatives === NOT_UNDERSTOOD);
  if (unknown >= 0)
    place.problems.push({
      path: `spec.${at}[${unknown}]`,
      detail: 'the peer has no field that is known here',
      tolerated: true,
    });
  return unknown >= 0
    ? NOT_UNDERSTOOD
    : { about: 'peer', path: at, any: any.flatMap((alternatives) => alternatives ?? []) };
}

function ports(fields: Fields, path: string, place: Place, dialect: Dialect): readonly Group[] | undefined {
  const at = `${path}.${dialect.portsKey}`;
  const items = sequence(fields[dialect.portsKey], `spec.${at}`, place.problems) ?? [];
  if (items.length === 0) return [];
  const any: Alternative[] = [];
  for (const [i, item] of items.entries()) {
    const criteria = dialect.port(fieldsOf(item), `${at}[${i}]`);
    if (!criteria) {
      place.problems.push({
        path: `spec.${at}[${i}]`,
        detail: 'the port is not one that is known here',
        tolerated: true,
      });
      return NOT_UNDERSTOOD;
    }
    any.push({ path: `${at}[${i}]`, criteria });
  }
  return [{ about: 'port', path: at, any }];
}

const NOTHING: Group = { about: 'other', path: '', any: [] };

function rule(value: unknown, index: number, place: Place, dialect: Dialect): CompiledRule {
  const path = `${place.direction}[${index}]`;
  const fields = mapping(value, `spec.${path}`, place.problems) ?? {};
  const action = dialect.actions.get((scalarText(fields['action']) ?? '').toLowerCase());
  const base = { index, name: scalarText(fields['name']) || undefined, path };
  if (!action) {
    place.problems.push({ path: `spec.${path}.action`, detail: `not an action: ${describe(fields['action'])}` });
    return { ...base, action: 'allow', groups: [{ ...NOTHING, path }] };
  }
  const from = peers(fields, path, place);
  const to = ports(fields, path, place, dialect);
  if (from && to) return { ...base, action, groups: [...to, from] };
  return action === 'allow'
    ? { ...base, action, groups: [{ ...NOTHING, path }] }
    : { ...base, action: 'deny', groups: [] };
}

function compileDirection(spec: Fields, place: Place, dialect: Dialect): CompiledDirection {
  const rules = sequence(spec[place.direction], `spec.${place.direction}`, place.problems) ?? [];
  return { applies: rules.length > 0, rules: rules.map((entry, i) => rule(entry, i, place, dialect)) };
}

function matchesBoth(spaces: LabelSelector, pods: LabelSelector | undefined): (end: End) => boolean {
  return (end) =>
    end.kind === 'pod' &&
    selectorMatches(spaces, end.namespace?.labels ?? new Map()) &&
    (pods === undefined || selectorMatches(pods, end.labels));
}

function subject(value: unknown, problems: Problem[]): (end: End) => boolean {
  const fields = mapping(value, 'spec.subject', problems) ?? {};
  const { namespaces, pods } = fields;
  if (isFields(namespaces)) {
    const old = isFields(namespaces['namespaceSelector']) ? namespaces['namespaceSelector'] : namespaces;
    return matchesBoth(compileLabelSelector(old, 'spec.subject.namespaces', problems), undefined);
  }
  if (isFields(pods)) {
    const spaces = isFields(pods['namespaces'])
      ? fieldsOf(pods['namespaces'])['namespaceSelector']
      : pods['namespaceSelector'];
    return matchesBoth(
      compileLabelSelector(spaces, 'spec.subject.pods.namespaceSelector', problems),
      compileLabelSelector(pods['podSelector'], 'spec.subject.pods.podSelector', problems),
    );
  }
  problems.push({ path: 'spec.subject', detail: 'a subject is namespaces or pods' });
  return () => false;
}

function compile(
  object: KubernetesObject,
  kind: string,
  tier: string,
  order: number,
  dialect: Dialect,
): CompiledPolicy {
  const problems: Problem[] = [];
  const spec = mapping(object.spec, 'spec', problems) ?? {};
  const family: Family = 'priority';
  return {
    object,
    ref: policyRef(object, kind, false, tier),
    family,
    tier,
    order,
    sortName: object.metadata.name,
    candidates: { namespace: undefined, label: undefined },
    selects: subject(spec['subject'], problems),
    ingress: compileDirection(spec, { direction: 'ingress', peerSide: 'source', problems }, dialect),
    egress: compileDirection(spec, { direction: 'egress', peerSide: 'destination', problems }, dialect),
    problems,
    staged: undefined,
    host: undefined,
  };
}

/** Compiles an AdminNetworkPolicy: before NetworkPolicies, by priority. */
export function compileAdminPolicy(object: KubernetesObject): CompiledPolicy {
  const order = orderOf(fieldsOf(object.spec)['priority']);
  return compile(object, 'AdminNetworkPolicy', 'adminnetworkpolicy', order, V1ALPHA1);
}

/** Compiles a BaselineAdminNetworkPolicy: after NetworkPolicies, for what none of them isolates. */
export function compileBaselinePolicy(object: KubernetesObject): CompiledPolicy {
  return compile(object, 'BaselineAdminNetworkPolicy', 'baselineadminnetworkpolicy', 1000, V1ALPHA1);
}

/** Compiles a ClusterNetworkPolicy: tier Admin before NetworkPolicies, tier Baseline after them. */
export function compileClusterPolicy(object: KubernetesObject): CompiledPolicy {
  const spec = fieldsOf(object.spec);
  const baseline = scalarText(spec['tier'])?.toLowerCase() === 'baseline';
  const order = orderOf(spec['priority']);
  return compile(object, 'ClusterNetworkPolicy', baseline ? 'kube-baseline' : 'kube-admin', order, V1ALPHA2);
}
