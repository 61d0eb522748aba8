import type { KubernetesObject } from '@whydrop/model';

export type Fields = Readonly<Record<string, unknown>>;

/** The value when it is a mapping; an empty one otherwise. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The value when it is a list; an empty one otherwise. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The rules of one direction of a policy, as written. */
export function policyRules(object: KubernetesObject | undefined, direction: 'ingress' | 'egress'): readonly Fields[] {
  return list(fields(object?.spec)[direction]).map(fields);
}

function requirement(expression: Fields): readonly [string, string] {
  const key = String(expression['key']);
  const values = list(expression['values']).map(String).toSorted().join(',');
  switch (expression['operator']) {
    case 'In':
      return [key, `${key} in (${values})`];
    case 'NotIn':
      return [key, `${key} notin (${values})`];
    case 'Exists':
      return [key, key];
    default:
      return [key, `!${key}`];
  }
}

/**
 * A label selector as Kubernetes prints it: sorted by key, joined by commas; '' selects everything.
 * Source: kubernetes/apimachinery `pkg/labels/selector.go`.
 */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = fields(selector);
  const labels = Object.entries(fields(matchLabels)).map(([key, value]) => [key, `${key}=${String(value)}`] as const);
  const expressions = list(matchExpressions).map((expression) => requirement(fields(expression)));
  return [...labels, ...expressions]
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join(',');
}
