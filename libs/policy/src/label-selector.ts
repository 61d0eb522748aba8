import { editDistance } from './edit-distance.js';
import { mapping, scalarText, sequence, type Problem } from './yaml-value.js';

export type Labels = ReadonlyMap<string, string>;

/** One condition of a Kubernetes label selector. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
  /** Place below the selector: `matchLabels.app`, `matchExpressions[0]`. */
  readonly path: string;
}

/** A compiled Kubernetes label selector: all requirements hold. No requirement: everything matches. */
export interface LabelSelector {
  readonly requirements: readonly LabelRequirement[];
}

/** A requirement that labels do not meet: what it wants and what they have. */
export interface LabelMiss {
  readonly path: string;
  readonly wanted: string;
  readonly got: string;
  readonly edit: number;
}

const OPERATORS = new Map<string, LabelRequirement['operator']>(
  (['In', 'NotIn', 'Exists', 'DoesNotExist'] as const).map((operator) => [operator.toLowerCase(), operator]),
);

function matchLabels(value: unknown, path: string, problems: Problem[]): readonly LabelRequirement[] {
  const labels = mapping(value, path, problems) ?? {};
  return Object.entries(labels).map(([key, wanted]) => {
    const text = wanted === null ? '' : scalarText(wanted);
    if (text === undefined) problems.push({ path: `${path}.${key}`, detail: 'a label value is a text' });
    return { key, operator: 'In', values: [text ?? ''], path: `matchLabels.${key}` };
  });
}

function expression(value: unknown, index: number, path: string, problems: Problem[]): readonly LabelRequirement[] {
  const fields = mapping(value, path, problems) ?? {};
  const key = scalarText(fields['key']);
  const operator = OPERATORS.get((scalarText(fields['operator']) ?? '').toLowerCase());
  const values = (sequence(fields['values'], `${path}.values`, problems) ?? []).map((entry) => scalarText(entry) ?? '');
  if (key === undefined || key === '') problems.push({ path, detail: 'an expression needs a key' });
  if (!operator) problems.push({ path, detail: 'the operator is one of In, NotIn, Exists, DoesNotExist' });
  if (key === undefined || !operator) return [];
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues && values.length === 0) problems.push({ path, detail: `${operator} needs values` });
  if (!takesValues && values.length > 0) problems.push({ path, detail: `${operator} takes no values` });
  return [{ key, operator, values, path: `matchExpressions[${index}]` }];
}

/**
 * Compiles `{matchLabels, matchExpressions}`; null or absent is the empty selector, which matches everything. What the
 * API server would refuse is added to `problems` and left out. Source: apimachinery `meta/v1` LabelSelector.
 */
export function compileLabelSelector(value: unknown, path: string, problems: Problem[]): LabelSelector {
  const fields = mapping(value, path, problems) ?? {};
  const expressions = sequence(fields['matchExpressions'], `${path}.matchExpressions`, problems) ?? [];
  return {
    requirements: [
      ...matchLabels(fields['matchLabels'], `${path}.matchLabels`, problems),
      ...expressions.flatMap((entry, i) => expression(entry, i, `${path}.matchExpressions[${i}]`, problems)),
    ],
  };
}

/** Whether labels meet one requirement. `NotIn` holds where the label is absent. */
export function meets(requirement: LabelRequirement, labels: Labels): boolean {
  const value = labels.get(requirement.key);
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** Whether labels meet all requirements of the selector. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  for (const requirement of selector.requirements) if (!meets(requirement, labels)) return false;
  return true;
}

/** A requirement as people write it: `app=db`, `app in (a, b)`, `app not in (a)`, `has app`, `no label app`. */
export function requirementText(requirement: LabelRequirement): string {
  const { key, operator, values } = requirement;
  const [first, ...more] = values;
  switch (operator) {
    case 'In':
      return first !== undefined && more.length === 0 ? `${key}=${first}` : `${key} in (${values.join(', ')})`;
    case 'NotIn':
      return first !== undefined && more.length === 0 ? `${key}!=${first}` : `${key} not in (${values.join(', ')})`;
    case 'Exists':
      return `a label ${key}`;
    case 'DoesNotExist':
      return `no label ${key}`;
  }
}

/** A selector as people write it; the empty one is `any labels`. */
export function selectorText(selector: LabelSelector): string {
  return selector.requirements.map(requirementText).join(', ') || 'any labels';
}

const ABSENT_LABEL = 40;

function labelEdit(requirement: LabelRequirement, value: string | undefined): number {
  if (requirement.operator !== 'In') return ABSENT_LABEL / 2;
  if (value === undefined) return ABSENT_LABEL;
  return Math.min(...requirement.values.map((wanted) => editDistance(wanted, value)), ABSENT_LABEL);
}

/** How far labels are from each requirement that they do not meet. */
export function labelEdits(selector: LabelSelector, labels: Labels): readonly number[] {
  return selector.requirements
    .filter((requirement) => !meets(requirement, labels))
    .map((requirement) => labelEdit(requirement, labels.get(requirement.key)));
}

/** The requirements that labels do not meet, with what they have instead. */
export function labelMisses(selector: LabelSelector, labels: Labels): readonly LabelMiss[] {
  return selector.requirements
    .filter((requirement) => !meets(requirement, labels))
    .map((requirement) => {
      const value = labels.get(requirement.key);
      return {
        path: requirement.path,
        wanted: requirementText(requirement),
        got: value === undefined ? `no label ${requirement.key}` : `${requirement.key}=${value}`,
        edit: labelEdit(requirement, value),
      };
    });
}
