/** Readers of values as they stand in YAML: null is the same as absent, numbers may be quoted. */

export type Fields = Readonly<Record<string, unknown>>;

/** One part of a policy that cannot be what its author meant; the API server would refuse it. */
export interface Problem {
  /** Place in the object: `spec.ingress[0].from[1].ipBlock.cidr`. */
  readonly path: string;
  readonly detail: string;
  /** The kind says what such a part means (it fails closed); the object is not refused for it. */
  readonly tolerated?: boolean;
}

/** Whether a value is a mapping. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a mapping; empty when it is none, and nothing is said of that. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** A mapping, or nothing where the value is absent; anything else is a problem. */
export function mapping(value: unknown, path: string, problems: Problem[]): Fields | undefined {
  if (value === undefined || value === null) return undefined;
  if (isFields(value)) return value;
  problems.push({ path, detail: `a mapping is expected, found ${describe(value)}` });
  return undefined;
}

/** A list, or nothing where the value is absent; anything else is a problem. */
export function sequence(value: unknown, path: string, problems: Problem[]): readonly unknown[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value;
  problems.push({ path, detail: `a list is expected, found ${describe(value)}` });
  return undefined;
}

/** What a value is, for a sentence. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return JSON.stringify(value);
}

/** A scalar as text; undefined where there is none. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** A whole number, quoted or not. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value === 'string' && /^[0-9]{1,9}$/.test(value.trim())) return Number(value);
  return undefined;
}

/** Labels of an object: scalars become text, absent values the empty text. */
export function labelMap(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(fieldsOf(value)).map(([key, entry]): [string, string] => [
    key,
    scalarText(entry) ?? '',
  ]);
  return new Map(entries);
}
