/** What a value is asked for; several parts must all hold. Parts that are absent or null ask nothing. */
export interface Match<T> {
  readonly eq?: T | null;
  readonly neq?: T | null;
  readonly in?: readonly T[] | null;
  readonly nin?: readonly T[] | null;
  readonly gt?: T | null;
  readonly gte?: T | null;
  readonly lt?: T | null;
  readonly lte?: T | null;
  readonly contains?: string | null;
  readonly containsIgnoreCase?: string | null;
  readonly startsWith?: string | null;
  /** The address lies in this network. */
  readonly within?: string | null;
  readonly isNull?: boolean | null;
}

/** Fields and what is asked of them, all of which must hold; `or` without an element holds never. */
export type Condition<Name extends string> = {
  readonly [name in Name]?: Match<unknown> | null;
} & {
  readonly and?: readonly Condition<Name>[] | null;
  readonly or?: readonly Condition<Name>[] | null;
  readonly not?: Condition<Name> | null;
};

/** How a field is written in SQL. With several expressions it matches when one of them does. */
export interface FieldSql {
  readonly type: 'text' | 'int' | 'bool' | 'inet';
  readonly any: readonly string[];
  /** Array whose elements the expressions read under this name. */
  readonly each?: { readonly array: string; readonly as: string };
  /** A value of this shape can only be a whole element of that array, which an index finds. */
  readonly whole?: { readonly shape: RegExp; readonly array: string };
  /** Spelling of a value in the table, for one that people write differently. */
  readonly value?: (value: never) => unknown;
}

/** Values of a statement in the order of their placeholders. */
export class Params {
  readonly values: unknown[] = [];

  /** Placeholder for one more value. */
  add(value: unknown, cast: string): string {
    this.values.push(value);
    return `$${this.values.length}::${cast}`;
  }
}

type Test = (expression: string) => string;

function anyOf(field: FieldSql, test: Test): string {
  const tests = field.any.map(test).join(' OR ');
  if (!field.each) return `(${tests})`;
  return `EXISTS (SELECT FROM unnest(${field.each.array}) AS ${field.each.as} WHERE ${tests})`;
}

const COMPARED = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

function matchSql(field: FieldSql, match: Match<unknown>, params: Params): readonly string[] {
  const { type } = field;
  const spelled = (value: unknown) => (field.value ? field.value(value as never) : value);
  const found: string[] = [];
  const add = (value: unknown, sql: (placeholder: string) => string, cast: string = type) => {
    if (value !== undefined && value !== null) found.push(sql(params.add(value, cast)));
  };
  const one = (value: unknown) => (value === undefined || value === null ? value : spelled(value));
  const many = (values: readonly unknown[] | null | undefined) => values?.map(spelled);
  const { whole } = field;
  const isWhole = typeof match.eq === 'string' && whole?.shape.test(match.eq) === true;
  add(one(match.eq), (p) => (isWhole ? `${whole.array} @> ARRAY[${p}]` : anyOf(field, (e) => `${e} = ${p}`)));
  add(one(match.neq), (p) => `${anyOf(field, (e) => `${e} = ${p}`)} IS NOT TRUE`);
  add(many(match.in), (p) => anyOf(field, (e) => `${e} = ANY (${p})`), `${type}[]`);
  add(many(match.nin), (p) => `${anyOf(field, (e) => `${e} = ANY (${p})`)} IS NOT TRUE`, `${type}[]`);
  for (const [name, operator] of Object.entries(COMPARED)) {
    add(one(match[name as keyof typeof COMPARED]), (p) => anyOf(field, (e) => `${e} ${operator} ${p}`));
  }
  add(match.contains, (p) => anyOf(field, (e) => `strpos(${e}, ${p}) > 0`), 'text');
  add(match.containsIgnoreCase, (p) => anyOf(field, (e) => `strpos(lower(${e}), lower(${p})) > 0`), 'text');
  add(match.startsWith, (p) => anyOf(field, (e) => `starts_with(${e}, ${p})`), 'text');
  add(match.within, (p) => anyOf(field, (e) => `${e} <<= ${p}`), 'inet');
  if (typeof match.isNull === 'boolean') {
    const nulls = `(${field.any.map((e) => `${e} IS NULL`).join(' AND ')})`;
    found.push(match.isNull ? nulls : `NOT ${nulls}`);
  }
  return found;
}

/** Writes a condition as SQL; its values go to `params`. Field names come from `fields`, never from the input. */
export function conditionSql<Name extends string>(
  fields: Readonly<Record<Name, FieldSql>>,
  condition: Condition<Name>,
  params: Params,
): string {
  const parts: string[] = [];
  for (const name of Object.keys(fields) as Name[]) {
    const match = condition[name];
    if (match) parts.push(...matchSql(fields[name], match, params));
  }
  for (const each of condition.and ?? []) parts.push(conditionSql(fields, each, params));
  if (condition.or) {
    const choices = condition.or.map((each) => conditionSql(fields, each, params));
    parts.push(choices.length === 0 ? 'false' : `(${choices.join(' OR ')})`);
  }
  if (condition.not) parts.push(`(${conditionSql(fields, condition.not, params)}) IS NOT TRUE`);
  return parts.length === 0 ? 'true' : parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' AND ')})`;
}
