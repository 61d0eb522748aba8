import { editDistance } from '../edit-distance.js';
import type { Labels } from '../label-selector.js';
import { failureCost, type Failure } from '../rule.js';
import { matches, selectorText, type Selector } from './selector.js';

/** The end is of another kind than a selector can match: farther away than any label. */
export const OTHER_KIND = 300;

function plain(label: string): string {
  return label.replace(/^pcns\./, '').replace(/^pcsa\./, '');
}

function fieldOf(label: string): Failure['field'] {
  if (label.startsWith('pcns.') || label === 'projectcalico.org/namespace') return 'namespaceSelector';
  return label.startsWith('pcsa.') || label === 'projectcalico.org/serviceaccount' ? 'serviceAccount' : 'podSelector';
}

function ownerOf(label: string): string {
  if (label.startsWith('pcns.')) return 'a namespace with ';
  return label.startsWith('pcsa.') ? 'a service account with ' : '';
}

/** A condition on one label. */
type Leaf = Extract<Selector, { readonly label: string }>;

function wantedText(leaf: Leaf): string {
  const { label } = leaf;
  if (leaf.kind === 'text' && leaf.operator === '==') {
    if (label === 'projectcalico.org/namespace') return `namespace ${leaf.value}`;
    return `${ownerOf(label)}${plain(label)}=${leaf.value}`;
  }
  return `${ownerOf(label)}${selectorText({ ...leaf, label: plain(label) })}`;
}

function gotText(label: string, labels: Labels): string {
  const value = labels.get(label);
  if (label === 'projectcalico.org/namespace') return `namespace ${value ?? 'none'}`;
  const owner = label.startsWith('pcns.') ? `namespace ${labels.get('projectcalico.org/namespace') ?? ''}: ` : '';
  return `${owner}${value === undefined ? `no label ${plain(label)}` : `${plain(label)}=${value}`}`;
}

function leafEdit(leaf: Leaf, labels: Labels): number {
  const value = labels.get(leaf.label);
  if (leaf.kind === 'text' && leaf.operator === '==' && value !== undefined) return editDistance(leaf.value, value);
  if (leaf.kind === 'set' && value !== undefined)
    return Math.min(40, ...leaf.values.map((one) => editDistance(one, value)));
  return 40;
}

function total(failures: readonly Failure[]): number {
  return failures.reduce((sum, failure) => sum + 1000 + failure.edit, 0);
}

/** The leaves because of which the labels do not match (with `wanted` true), or do match (false). */
export function blame(selector: Selector, labels: Labels, path: string, wanted: boolean): readonly Failure[] {
  if (matches(selector, labels) === wanted) return [];
  switch (selector.kind) {
    case 'all':
    case 'global':
      return [{ field: 'notSelector', path, wanted: 'nothing', got: 'an endpoint', edit: OTHER_KIND }];
    case 'not':
      return blame(selector.of, labels, path, !wanted);
    case 'and':
    case 'or': {
      const each = selector.of.map((one) => blame(one, labels, path, wanted)).filter((failures) => failures.length > 0);
      const every = (selector.kind === 'and') === wanted;
      return every ? each.flat() : (each.sort((a, b) => total(a) - total(b))[0] ?? []);
    }
    default: {
      const text = wantedText(selector);
      const shown = wanted ? text : `anything but ${text}`;
      const edit = leafEdit(selector, labels);
      return [{ field: fieldOf(selector.label), path, wanted: shown, got: gotText(selector.label, labels), edit }];
    }
  }
}

/** What `blame` would cost, without finding the words for it. */
export function blameCost(selector: Selector, labels: Labels, wanted: boolean): number {
  if (matches(selector, labels) === wanted) return 0;
  switch (selector.kind) {
    case 'all':
    case 'global':
      return failureCost(OTHER_KIND);
    case 'not':
      return blameCost(selector.of, labels, !wanted);
    case 'and':
    case 'or': {
      const each = selector.of.map((one) => blameCost(one, labels, wanted)).filter((cost) => cost > 0);
      return (selector.kind === 'and') === wanted ? each.reduce((sum, cost) => sum + cost, 0) : Math.min(...each);
    }
    default:
      return failureCost(leafEdit(selector, labels));
  }
}
