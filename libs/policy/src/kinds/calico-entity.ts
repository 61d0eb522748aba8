import { networkOf, type Network } from '../address.js';
import { behindService, endpointDoesNotMatch, endpointMatches, inNets } from '../calico-criteria.js';
import { destinationPorts, sourcePorts, type PortSpec } from '../calico-ports.js';
import type { Side } from '../end.js';
import type { Criterion } from '../rule.js';
import { parseSelector, rewrite, type Selector } from '../selector/selector.js';
import {
  describe,
  isFields,
  mapping,
  scalarText,
  sequence,
  wholeNumber,
  type Fields,
  type Problem,
} from '../yaml-value.js';

const NAMESPACE = 'projectcalico.org/namespace';
const HAS_NAMESPACE: Selector = { kind: 'has', label: NAMESPACE };

/** Reads a selector field; blank is none. What is no selector matches nothing, and is a problem. */
export function selectorField(value: unknown, path: string, problems: Problem[]): Selector | undefined {
  if (value === undefined || value === null) return undefined;
  const text = scalarText(value);
  if (text === undefined) {
    problems.push({ path, detail: `a selector is a text, found ${describe(value)}` });
    return undefined;
  }
  // Block scalars end in a line break, which the language itself would refuse.
  if (text.trim() === '') return undefined;
  const selector = parseSelector(text.trim().replace(/\s*\n\s*/g, ' '));
  if (selector.kind !== 'error') return selector;
  problems.push({ path, detail: `not a selector: ${selector.detail}` });
  return { kind: 'not', of: { kind: 'all' } };
}

/** Labels of the namespace or service account are on the endpoint under a prefix. */
export function prefixed(selector: Selector, prefix: 'pcns.' | 'pcsa.'): Selector {
  return rewrite(selector, (leaf) => ('label' in leaf ? { ...leaf, label: `${prefix}${leaf.label}` } : leaf));
}

/** `all()` means every namespace, `global()` what has none. */
export function namespacedFunctions(selector: Selector): Selector {
  return rewrite(selector, (leaf) => {
    if (leaf.kind === 'all') return HAS_NAMESPACE;
    return leaf.kind === 'global' ? { kind: 'not', of: HAS_NAMESPACE } : leaf;
  });
}

/** The selector on labels of the namespace, over endpoints. */
export function namespaceSelector(selector: Selector): Selector {
  return namespacedFunctions(prefixed(selector, 'pcns.'));
}

/** Endpoints of the policy's own namespace: what a namespaced policy selects among. */
export function ownNamespace(namespace: string): Selector {
  return { kind: 'text', label: NAMESPACE, operator: '==', value: namespace };
}

/** Selectors joined: all hold. No selector: undefined. */
export function both(selectors: readonly (Selector | undefined)[]): Selector | undefined {
  const of = selectors.filter((selector) => selector !== undefined);
  return of.length > 1 ? { kind: 'and', of } : of[0];
}

/** `serviceAccounts: {names, selector}` or a serviceAccountSelector, over endpoints. */
function serviceAccounts(value: unknown, path: string, problems: Problem[]): Selector | undefined {
  const fields = mapping(value, path, problems);
  const names = (sequence(fields?.['names'], `${path}.names`, problems) ?? []).map((name) => scalarText(name) ?? '');
  const selector = selectorField(fields?.['selector'], `${path}.selector`, problems);
  return both([
    names.length > 0
      ? { kind: 'set', label: 'projectcalico.org/serviceaccount', operator: 'in', values: names }
      : undefined,
    selector && prefixed(selector, 'pcsa.'),
  ]);
}

/** What an entity rule compiles to: conditions on who the end is, and on its ports. */
export interface Entity {
  readonly who: readonly Criterion[];
  readonly ports: readonly Criterion[];
}

interface EntityPlace {
  readonly side: Side;
  /** Undefined in a global policy. */
  readonly namespace: string | undefined;
  /** `ingress[0].source` */
  readonly path: string;
  readonly problems: Problem[];
}

function positive(fields: Fields, place: EntityPlace): Selector | undefined {
  const at = `spec.${place.path}`;
  const selector = selectorField(fields['selector'], `${at}.selector`, place.problems);
  const accounts = serviceAccounts(fields['serviceAccounts'], `${at}.serviceAccounts`, place.problems);
  const spaces = selectorField(fields['namespaceSelector'], `${at}.namespaceSelector`, place.problems);
  const own = both([accounts, selector]);
  if (spaces) return both([namespaceSelector(spaces), own]);
  const negative = scalarText(fields['notSelector'])?.trim();
  if (place.namespace !== undefined && (own || negative)) return both([ownNamespace(place.namespace), own]);
  return own;
}

function selectorCriteria(
  fields: Fields,
  place: EntityPlace,
): { criteria: readonly Criterion[]; selector: Selector | undefined } {
  const select = positive(fields, place);
  const negative = selectorField(fields['notSelector'], `spec.${place.path}.notSelector`, place.problems);
  const path = `${place.path}.${fields['selector'] ? 'selector' : fields['namespaceSelector'] ? 'namespaceSelector' : 'serviceAccounts'}`;
  if (!select) {
    const criteria = negative ? [endpointDoesNotMatch(place.side, negative, `${place.path}.notSelector`)] : [];
    return { criteria, selector: undefined };
  }
  const folded = negative ? both([select, { kind: 'not', of: negative }]) : select;
  return { criteria: folded ? [endpointMatches(place.side, folded, path)] : [], selector: folded };
}

function nets(value: unknown, path: string, problems: Problem[]): readonly Network[] | undefined {
  const items = sequence(value, path, problems);
  if (!items || items.length === 0) return undefined;
  return items.flatMap((item, i) => {
    const network = networkOf(scalarText(item) ?? '');
    if (!network) problems.push({ path: `${path}[${i}]`, detail: `not a network: ${describe(item)}` });
    return network ?? [];
  });
}

function netCriteria(fields: Fields, place: EntityPlace): readonly Criterion[] {
  const at = `spec.${place.path}`;
  // The form of Calico v1 wrote one net.
  const one = (key: string): unknown => fields[`${key}s`] ?? (fields[key] === undefined ? undefined : [fields[key]]);
  const wanted = nets(one('net'), `${at}.nets`, place.problems);
  const refused = nets(one('notNet'), `${at}.notNets`, place.problems);
  return wanted || refused ? [inNets(place.side, wanted, refused ?? [], place.path)] : [];
}

/** `80`, `"80"`, `"8000:8100"`, `http`. */
function portSpec(value: unknown, path: string, problems: Problem[]): readonly PortSpec[] {
  const number = wholeNumber(value);
  if (number !== undefined && number <= 65535) return [{ first: number, last: number }];
  const text = scalarText(value) ?? '';
  const range = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  const first = Number(range?.[1]);
  const last = Number(range?.[2]);
  if (range && first <= last && last <= 65535) return [{ first, last }];
  if (/^[a-zA-Z0-9_.-]{1,128}$/.test(text) && /[a-zA-Z]/.test(text)) return [{ name: text }];
  problems.push({ path, detail: `not a port: ${describe(value)}` });
  return [];
}

function ports(value: unknown, path: string, problems: Problem[]): readonly PortSpec[] | undefined {
  const items = sequence(value, path, problems);
  if (!items || items.length === 0) return undefined;
  return items.flatMap((item, i) => portSpec(item, `${path}[${i}]`, problems));
}

function portCriteria(fields: Fields, place: EntityPlace, selector: Selector | undefined): readonly Criterion[] {
  const wanted = ports(fields['ports'], `spec.${place.path}.ports`, place.problems);
  const refused = ports(fields['notPorts'], `spec.${place.path}.notPorts`, place.problems);
  const criteria: Criterion[] = [];
  if (place.side === 'source') {
    if (wanted) criteria.push(sourcePorts(wanted, `${place.path}.ports`));
    if (refused) criteria.push(sourcePorts(refused, `${place.path}.notPorts`));
    return criteria;
  }
  if (wanted) criteria.push(destinationPorts(wanted, selector, false, `${place.path}.ports`));
  if (refused) criteria.push(destinationPorts(refused, selector, true, `${place.path}.notPorts`));
  return criteria;
}

function serviceCriteria(fields: Fields, place: EntityPlace): readonly Criterion[] {
  const services = fields['services'];
  if (!isFields(services)) return [];
  const name = scalarText(services['name']);
  const namespace = scalarText(services['namespace']) || place.namespace;
  if (name && namespace !== undefined) return [behindService(place.side, namespace, name, `${place.path}.services`)];
  place.problems.push({
    path: `spec.${place.path}.services`,
    detail: 'a service needs a name, and in a global policy a namespace',
  });
  return [];
}

/** Compiles `source` or `destination` of a rule. Source: libcalico-go syncersv1/updateprocessors/rules.go. */
export function compileEntity(value: unknown, place: EntityPlace): Entity {
  const fields = mapping(value, `spec.${place.path}`, place.problems) ?? {};
  const { criteria, selector } = selectorCriteria(fields, place);
  return {
    who: [...criteria, ...netCriteria(fields, place), ...serviceCriteria(fields, place)],
    ports: portCriteria(fields, place, selector),
  };
}
