import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** One root field of the schema, and the smallest operation that asks for it. */
export interface RootField {
  readonly operation: 'query' | 'mutation' | 'subscription';
  readonly type: string;
  readonly name: string;
  readonly text: string;
}

const SCALARS: Readonly<Record<string, string>> = {
  ID: '"none"',
  Int: '1',
  Float: '1',
  Boolean: 'true',
  DateTime: '"2026-11-20T14:00:00Z"',
  Duration: '"PT1M"',
  BigInt: '"1"',
  IP: '"10.0.0.1"',
  CIDR: '"10.0.0.0/8"',
};

/** A value that this type takes, as short as can be. */
export function literal(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(type.ofType);
  if (isListType(type)) return `[${literal(type.ofType as GraphQLInputType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (!isInputObjectType(type)) return SCALARS[type.name] ?? '"none"';
  if (type.name === 'TimeRangeInput') return '{from: "2026-11-20T14:00:00Z", to: "2026-11-20T15:00:00Z"}';
  const fields = Object.values(type.getFields()).filter(isRequiredInputField);
  return `{${fields.map((field) => `${field.name}: ${literal(field.type)}`).join(', ')}}`;
}

function call(field: GraphQLField<unknown, unknown>): string {
  const args = field.args.filter(isRequiredArgument).map((arg) => `${arg.name}: ${literal(arg.type)}`);
  const selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }';
  return `${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${selection}`;
}

/** Every root field of schema.graphql. */
export function rootFields(): readonly RootField[] {
  const schema = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8'));
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  return roots.flatMap(([operation, type]) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({
      operation,
      type: type?.name ?? '',
      name: field.name,
      text: `${operation} { ${call(field)} }`,
    })),
  );
}
