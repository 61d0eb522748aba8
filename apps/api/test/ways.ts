import {
  buildSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { literal } from './auth-fields.js';

export type Field = GraphQLField<unknown, unknown>;

export const schema = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8'));

const fieldsOf = (type: GraphQLObjectType | null | undefined): readonly Field[] =>
  Object.values(type?.getFields() ?? {});
const isList = (field: Field): boolean => isListType(getNullableType(field.type));

/** The shortest ways from the query to each type that lead through a list. */
export function waysThroughLists(): ReadonlyMap<string, readonly Field[]> {
  const found = new Map<string, readonly Field[]>();
  const seen = new Set<string>();
  let ways: readonly (readonly Field[])[] = fieldsOf(schema.getQueryType()).map((field) => [field]);
  while (ways.length > 0) {
    ways = ways.flatMap((way) => {
      const type = getNamedType(way.at(-1)?.type);
      const key = `${type?.name} ${way.some(isList)}`;
      if (!isObjectType(type) || seen.has(key)) return [];
      seen.add(key);
      if (way.some(isList)) found.set(type.name, way);
      return fieldsOf(type).map((field) => [...way, field]);
    });
  }
  return found;
}

/** A field as it is asked for, with so many rows of its list. */
export function called(field: Field, first: number): string {
  const args = field.args.filter(isRequiredArgument).map((arg) => `${arg.name}: ${literal(arg.type)}`);
  if (field.args.some(({ name }) => name === 'first')) args.push(`first: ${first}`);
  return args.length > 0 ? `${field.name}(${args.join(', ')})` : field.name;
}

/** The field with what is below it, so that a page is read whole: its rows and their number. */
export function selected(field: Field): string {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return called(field, 2);
  const whole = isObjectType(type) && 'totalCount' in type.getFields() && 'nodes' in type.getFields();
  return `${called(field, 2)} { __typename ${whole ? 'totalCount nodes { __typename } pageInfo { endCursor }' : ''} }`;
}

/** The whole query: so many rows of the first list, two of each further one. */
export const nested = (way: readonly Field[], inner: string, first: number): string =>
  way.reduceRight((text, field, i) => `${called(field, i === 0 ? first : 2)} { ${text} }`, inner);

/** What an answer has at the end of a way. */
export function reached(answer: unknown, way: readonly Field[]): readonly unknown[] {
  return way.reduce<readonly unknown[]>(
    (objects, { name }) => objects.flatMap((object) => (object as Record<string, unknown> | null)?.[name] ?? []),
    [answer],
  );
}
