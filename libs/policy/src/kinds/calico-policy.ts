import { protocolFromName, type KubernetesObject, type PolicyDirection } from '@whydrop/model';
import { httpRequest, icmpOf, ofIpVersion, ofProtocol } from '../calico-criteria.js';
import { groupOf, policyRef, type Candidates, type CompiledPolicy } from '../compiled-policy.js';
import type { Side } from '../end.js';
import type { CompiledDirection, CompiledRule, Criterion, Group } from '../rule.js';
import { matches, type Selector } from '../selector/selector.js';
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
import {
  both,
  compileEntity,
  namespacedFunctions,
  namespaceSelector,
  ownNamespace,
  prefixed,
  selectorField,
} from './calico-entity.js';
import { compileNetworkPolicySpec } from './network-policy.js';

interface Place {
  readonly direction: PolicyDirection;
  readonly namespace: string | undefined;
  readonly problems: Problem[];
}

const ACTIONS: ReadonlyMap<string, CompiledRule['action']> = new Map([
  ['allow', 'allow'],
  ['deny', 'deny'],
  ['log', 'log'],
  ['pass', 'pass'],
  ['next-tier', 'pass'],
]);

function protocolCriterion(
  fields: Fields,
  key: 'protocol' | 'notProtocol',
  path: string,
  place: Place,
): readonly Criterion[] {
  const text = scalarText(fields[key]);
  if (text === undefined || text === '') return [];
  const protocol = protocolFromName(text);
  if (protocol) return [ofProtocol(protocol, key === 'notProtocol', `${path}.${key}`)];
  place.problems.push({ path: `spec.${path}.${key}`, detail: `not a protocol: ${describe(fields[key])}` });
  return [];
}

function icmpCriterion(fields: Fields, key: 'icmp' | 'notICMP', path: string, place: Place): readonly Criterion[] {
  const icmp = mapping(fields[key], `spec.${path}.${key}`, place.problems);
  const type = wholeNumber(icmp?.['type']);
  if (!icmp || type === undefined) return [];
  return [icmpOf(type, wholeNumber(icmp['code']), key === 'notICMP', `${path}.${key}`)];
}

function packetCriteria(fields: Fields, path: string, place: Place): readonly Criterion[] {
  const version = wholeNumber(fields['ipVersion']);
  return [
    ...(version === undefined ? [] : [ofIpVersion(version, `${path}.ipVersion`)]),
    ...protocolCriterion(fields, 'protocol', path, place),
    ...protocolCriterion(fields, 'notProtocol', path, place),
    ...icmpCriterion(fields, 'icmp', path, place),
    ...icmpCriterion(fields, 'notICMP', path, place),
    ...(isFields(fields['http']) ? [httpRequest(`${path}.http`)] : []),
  ];
}

function group(about: Group['about'], path: string, criteria: readonly Criterion[]): readonly Group[] {
  return criteria.length > 0 ? [{ about, path, any: [{ path, criteria }] }] : [];
}

function entityGroups(value: unknown, side: Side, path: string, place: Place): readonly Group[] {
  const at = `${path}.${side}`;
  const entity = compileEntity(value, { side, namespace: place.namespace, path: at, problems: place.problems });
  const isPeer = (place.direction === 'ingress') === (side === 'source');
  return [...group('port', at, entity.ports), ...group(isPeer ? 'peer' : 'other', at, entity.who)];
}

/** Compiles one rule of a policy or profile. */
export function compileCalicoRule(value: unknown, index: number, place: Place): CompiledRule {
  const path = `${place.direction}[${index}]`;
  const fields = mapping(value, `spec.${path}`, place.problems) ?? {};
  const action = ACTIONS.get((scalarText(fields['action']) ?? '').toLowerCase());
  if (!action)
    place.problems.push({ path: `spec.${path}.action`, detail: `not an action: ${describe(fields['action'])}` });
  const annotations = fieldsOf(fieldsOf(fields['metadata'])['annotations']);
  const groups = [
    ...group('other', path, packetCriteria(fields, path, place)),
    ...entityGroups(fields['source'], 'source', path, place),
    ...entityGroups(fields['destination'], 'destination', path, place),
  ];
  const name = scalarText(annotations['name']) || undefined;
  return { index, name, path, action: action ?? 'log', groups };
}

/** Directions in force: as written; else what the API defaults to, or both in stored data that was never defaulted. */
function directions(
  object: KubernetesObject,
  spec: Fields,
  problems: Problem[],
): { ingress: boolean; egress: boolean } {
  const types = (sequence(spec['types'], 'spec.types', problems) ?? []).map((type) =>
    (scalarText(type) ?? '').toLowerCase(),
  );
  for (const [i, type] of types.entries()) {
    if (type !== 'ingress' && type !== 'egress')
      problems.push({ path: `spec.types[${i}]`, detail: 'a type is Ingress or Egress' });
  }
  if (types.length > 0) return { ingress: types.includes('ingress'), egress: types.includes('egress') };
  if (groupOf(object) === 'crd.projectcalico.org') return { ingress: true, egress: true };
  const has = (key: string): boolean => Array.isArray(spec[key]) && spec[key].length > 0;
  return { ingress: has('ingress') || !has('egress'), egress: has('egress') };
}

function compileDirection(spec: Fields, applies: boolean, place: Place): CompiledDirection {
  const rules = sequence(spec[place.direction], `spec.${place.direction}`, place.problems) ?? [];
  return { applies, rules: rules.map((entry, i) => compileCalicoRule(entry, i, place)) };
}

/** The policy's selector over endpoints: its own, its namespace or namespace selector, its service accounts. */
function subject(spec: Fields, namespace: string | undefined, problems: Problem[]): Selector | undefined {
  const own = selectorField(spec['selector'], 'spec.selector', problems);
  const spaces = selectorField(spec['namespaceSelector'], 'spec.namespaceSelector', problems);
  const accounts = selectorField(spec['serviceAccountSelector'], 'spec.serviceAccountSelector', problems);
  const byAccount = accounts && prefixed(accounts, 'pcsa.');
  if (namespace !== undefined) return both([own, ownNamespace(namespace), byAccount]);
  // With a namespace selector, all() stands for what has a namespace, wherever it is written.
  return spaces
    ? both([own && namespacedFunctions(own), namespaceSelector(spaces), byAccount])
    : both([own, byAccount]);
}

function requiredLabel(selector: Selector | undefined): Candidates['label'] {
  const leaves = selector?.kind === 'and' ? selector.of : selector ? [selector] : [];
  for (const leaf of leaves.flatMap((one) => (one.kind === 'and' ? one.of : [one]))) {
    const isLabel =
      leaf.kind === 'text' && leaf.operator === '==' && !/^pc(ns|sa)\.|^projectcalico\.org\//.test(leaf.label);
    if (isLabel) return { key: leaf.label, value: leaf.value };
  }
  return undefined;
}

interface KindInfo {
  readonly kind: string;
  readonly global: boolean;
  readonly staged: boolean;
}

function stagedAction(spec: Fields, staged: boolean): CompiledPolicy['staged'] {
  if (!staged) return undefined;
  return scalarText(spec['stagedAction'])?.toLowerCase() === 'delete' ? 'delete' : 'set';
}

function sortNameOf(object: KubernetesObject, tier: string, namespace: string | undefined): string {
  const { name } = object.metadata;
  const stored = name.startsWith(`${tier}.`) ? name : `${tier}.${name}`;
  return namespace === undefined ? stored : `${namespace}/${stored}`;
}

/**
 * Compiles a policy of Calico: namespaced, global, or staged. Source: projectcalico/calico api/pkg/apis/projectcalico/v3
 * and libcalico-go lib/backend/syncersv1/updateprocessors.
 */
export function compileCalicoPolicy(object: KubernetesObject, info: KindInfo): CompiledPolicy {
  const problems: Problem[] = [];
  const spec = mapping(object.spec, 'spec', problems) ?? {};
  const namespace = info.global ? undefined : (object.metadata.namespace ?? 'default');
  const tier = scalarText(spec['tier']) || 'default';
  const selector = subject(spec, namespace, problems);
  const applies = directions(object, spec, problems);
  const isOn = (key: string): boolean => spec[key] === true || spec[key] === 'true';
  const host = { forward: isOn('applyOnForward'), preDnat: isOn('preDNAT'), untracked: isOn('doNotTrack') };
  const onlyHosts = host.preDnat || host.untracked;
  return {
    object,
    ref: policyRef(object, info.kind, !info.global, tier),
    family: 'ordered',
    tier,
    order: orderOf(spec['order']),
    sortName: sortNameOf(object, tier, namespace),
    candidates: { namespace, label: requiredLabel(selector) },
    selects: (end, world) => {
      if (onlyHosts && end.kind === 'pod') return false;
      const labels = world.labelsOf(end) ?? world.hostEndpoint(end)?.labels;
      return labels !== undefined && (!selector || matches(selector, labels));
    },
    ingress: compileDirection(spec, applies.ingress, { direction: 'ingress', namespace, problems }),
    egress: compileDirection(spec, applies.egress && !host.preDnat, { direction: 'egress', namespace, problems }),
    problems,
    staged: stagedAction(spec, info.staged),
    host,
  };
}

/** Compiles a StagedKubernetesNetworkPolicy: a NetworkPolicy that is not enforced yet. */
export function compileStagedNetworkPolicy(object: KubernetesObject): CompiledPolicy {
  const spec = fieldsOf(object.spec);
  return {
    ...compileNetworkPolicySpec(object, false),
    object,
    ref: policyRef(object, 'StagedKubernetesNetworkPolicy', true, 'default'),
    family: 'union',
    tier: 'default',
    order: 1000,
    sortName: `${object.metadata.namespace ?? 'default'}/knp.default.${object.metadata.name}`,
    staged: stagedAction(spec, true),
    host: undefined,
  };
}
