import type { KubernetesObject, PolicyDirection } from '@whydrop/model';
import { networkOf, type Network } from '../address.js';
import { policyRef, type CompiledPolicy } from '../compiled-policy.js';
import {
  hasProtocol,
  inNetwork,
  namespaceLabels,
  podLabels,
  podOfNamespace,
  portBetween,
  portNamed,
} from '../criteria.js';
import type { Side } from '../end.js';
import { compileLabelSelector, selectorMatches, type LabelSelector } from '../label-selector.js';
import type { Alternative, CompiledDirection, CompiledRule, Criterion, Group } from '../rule.js';
import { describe, mapping, scalarText, sequence, wholeNumber, type Fields, type Problem } from '../yaml-value.js';

/** Where a rule stands: everything that compiling one of its parts needs to know. */
interface Place {
  readonly direction: PolicyDirection;
  readonly peerSide: Side;
  readonly namespace: string;
  readonly problems: Problem[];
  /** The beta model of extensions/v1beta1: a list that is present and empty matches nothing. */
  readonly emptyMatchesNothing: boolean;
}

function networks(values: readonly unknown[], path: string, problems: Problem[]): readonly Network[] {
  return values.flatMap((value, i) => {
    const network = networkOf(scalarText(value) ?? '');
    if (!network) problems.push({ path: `${path}[${i}]`, detail: `not a network: ${describe(value)}` });
    return network ?? [];
  });
}

function ipBlock(block: Fields, path: string, place: Place): readonly Criterion[] {
  const except = networks(
    sequence(block['except'], `spec.${path}.except`, place.problems) ?? [],
    `spec.${path}.except`,
    place.problems,
  );
  const network = networkOf(scalarText(block['cidr']) ?? '');
  if (network) return inNetwork(place.peerSide, network, except, path);
  place.problems.push({ path: `spec.${path}.cidr`, detail: `not a network: ${describe(block['cidr'])}` });
  return [never('ipBlock', path)];
}

function never(field: 'ipBlock' | 'podSelector' | 'port', path: string): Criterion {
  const failure = { field, path, wanted: 'nothing: it is not valid', got: 'a connection', edit: 999 };
  return { test: () => false, failures: () => [failure] };
}

function peer(value: unknown, path: string, place: Place): Alternative {
  const fields = mapping(value, `spec.${path}`, place.problems) ?? {};
  const block = mapping(fields['ipBlock'], `spec.${path}.ipBlock`, place.problems);
  const pods = mapping(fields['podSelector'], `spec.${path}.podSelector`, place.problems);
  const spaces = mapping(fields['namespaceSelector'], `spec.${path}.namespaceSelector`, place.problems);
  if (block) {
    if (pods || spaces)
      place.problems.push({ path: `spec.${path}`, detail: 'ipBlock stands alone, without selectors' });
    return { path, criteria: ipBlock(block, `${path}.ipBlock`, place) };
  }
  if (!pods && !spaces) {
    place.problems.push({ path: `spec.${path}`, detail: 'a peer needs podSelector, namespaceSelector or ipBlock' });
    return { path, criteria: [never('podSelector', path)] };
  }
  return { path, criteria: [...namespaceCriteria(spaces, path, place), ...podCriteria(pods, path, place)] };
}

function namespaceCriteria(spaces: Fields | undefined, path: string, place: Place): readonly Criterion[] {
  if (!spaces) return [podOfNamespace(place.peerSide, place.namespace, path)];
  const selector = compileLabelSelector(spaces, `spec.${path}.namespaceSelector`, place.problems);
  return [namespaceLabels(place.peerSide, selector, `${path}.namespaceSelector`)];
}

function podCriteria(pods: Fields | undefined, path: string, place: Place): readonly Criterion[] {
  if (!pods) return [];
  const selector = compileLabelSelector(pods, `spec.${path}.podSelector`, place.problems);
  return [podLabels(place.peerSide, selector, `${path}.podSelector`)];
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

function portCriterion(fields: Fields, protocol: string, path: string, problems: Problem[]): readonly Criterion[] {
  const value = fields['port'];
  const end = fields['endPort'];
  const hasEnd = end !== undefined && end !== null;
  if (value === undefined || value === null) {
    if (hasEnd) problems.push({ path: `spec.${path}.endPort`, detail: 'endPort needs a port' });
    return [];
  }
  const number = wholeNumber(value);
  if (number === undefined) {
    if (hasEnd) problems.push({ path: `spec.${path}.endPort`, detail: 'endPort needs a port given as a number' });
    if (typeof value === 'string' && value !== '') return [portNamed(value, protocol, `${path}.port`)];
    problems.push({ path: `spec.${path}.port`, detail: `a port is a number or a name, found ${describe(value)}` });
    return [never('port', path)];
  }
  const last = hasEnd ? wholeNumber(end) : number;
  if (number > 65535 || number < 1) problems.push({ path: `spec.${path}.port`, detail: 'a port is 1 to 65535' });
  if (last === undefined || last < number || last > 65535) {
    if (hasEnd) problems.push({ path: `spec.${path}.endPort`, detail: 'endPort is a number from port to 65535' });
    return [never('port', path)];
  }
  return [portBetween(number, last, protocol, `${path}.port`)];
}

function port(value: unknown, path: string, place: Place): Alternative {
  const fields = mapping(value, `spec.${path}`, place.problems) ?? {};
  const protocol = (scalarText(fields['protocol']) ?? 'TCP').toUpperCase() || 'TCP';
  if (!PROTOCOLS.includes(protocol)) {
    place.problems.push({ path: `spec.${path}.protocol`, detail: 'the protocol is TCP, UDP or SCTP' });
  }
  const criteria = portCriterion(fields, protocol, path, place.problems);
  return { path, criteria: [hasProtocol(protocol, `${path}.protocol`), ...criteria] };
}

function group(
  value: unknown,
  path: string,
  place: Place,
  about: 'peer' | 'port',
  item: (value: unknown, path: string, place: Place) => Alternative,
): readonly Group[] {
  const items = sequence(value, `spec.${path}`, place.problems);
  if (!items || (items.length === 0 && !place.emptyMatchesNothing)) return [];
  return [{ about, path, any: items.map((entry, i) => item(entry, `${path}[${i}]`, place)) }];
}

function rule(value: unknown, index: number, place: Place): CompiledRule {
  const path = `${place.direction}[${index}]`;
  const fields = mapping(value, `spec.${path}`, place.problems) ?? {};
  const peers = place.direction === 'ingress' ? 'from' : 'to';
  // Ports are asked first: most rules are ruled out by them, without looking at who the peer is.
  const groups = [
    ...group(fields['ports'], `${path}.ports`, place, 'port', port),
    ...group(fields[peers], `${path}.${peers}`, place, 'peer', peer),
  ];
  return { index, name: undefined, path, action: 'allow', groups };
}

/** Directions in force: as written, else Ingress, and Egress where egress rules are written. */
function directions(spec: Fields, problems: Problem[]): { readonly ingress: boolean; readonly egress: boolean } {
  const written = sequence(spec['policyTypes'], 'spec.policyTypes', problems) ?? [];
  const types = written.map((type) => (scalarText(type) ?? '').toLowerCase());
  for (const [i, type] of types.entries()) {
    if (type !== 'ingress' && type !== 'egress') {
      problems.push({ path: `spec.policyTypes[${i}]`, detail: 'a policy type is Ingress or Egress' });
    }
  }
  if (types.length > 0) return { ingress: types.includes('ingress'), egress: types.includes('egress') };
  const egress = spec['egress'];
  return { ingress: true, egress: Array.isArray(egress) && egress.length > 0 };
}

function compileDirection(spec: Fields, applies: boolean, place: Place): CompiledDirection {
  const rules = sequence(spec[place.direction], `spec.${place.direction}`, place.problems) ?? [];
  return { applies, rules: rules.map((entry, i) => rule(entry, i, place)) };
}

function requiredLabel(selector: LabelSelector): { readonly key: string; readonly value: string } | undefined {
  const one = selector.requirements.find(({ operator, values }) => operator === 'In' && values.length === 1);
  return one && { key: one.key, value: one.values[0] ?? '' };
}

/** The meaning of a NetworkPolicy spec, also as it stands inside a staged one. */
export function compileNetworkPolicySpec(
  object: KubernetesObject,
  beta: boolean,
): Pick<CompiledPolicy, 'ingress' | 'egress' | 'selects' | 'candidates' | 'problems'> {
  const problems: Problem[] = [];
  const namespace = object.metadata.namespace ?? 'default';
  const spec = mapping(object.spec, 'spec', problems) ?? {};
  const selector = compileLabelSelector(spec['podSelector'], 'spec.podSelector', problems);
  const applies = directions(spec, problems);
  const place = { namespace, problems, emptyMatchesNothing: beta };
  return {
    ingress: compileDirection(spec, applies.ingress, { ...place, direction: 'ingress', peerSide: 'source' }),
    egress: compileDirection(spec, applies.egress, { ...place, direction: 'egress', peerSide: 'destination' }),
    selects: (end) => end.kind === 'pod' && end.namespace?.name === namespace && selectorMatches(selector, end.labels),
    candidates: { namespace, label: requiredLabel(selector) },
    problems,
  };
}

/**
 * Compiles a NetworkPolicy of networking.k8s.io/v1 or extensions/v1beta1. With `beta`, empty lists match nothing, as in
 * namespaces that are isolated by the annotation of that time. Source: kubernetes/api networking/v1 types and defaults.
 */
export function compileNetworkPolicy(object: KubernetesObject, beta: boolean): CompiledPolicy {
  return {
    ...compileNetworkPolicySpec(object, beta),
    object,
    ref: policyRef(object, 'NetworkPolicy', true, 'default'),
    family: 'union',
    tier: 'default',
    order: 1000,
    sortName: `${object.metadata.namespace ?? 'default'}/knp.default.${object.metadata.name}`,
    staged: undefined,
    host: undefined,
  };
}
