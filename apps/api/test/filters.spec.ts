import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildSchema, getNamedType, isInputObjectType, type GraphQLInputType } from 'graphql';

const schema = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8'));

const filters = [schema.getQueryType(), schema.getSubscriptionType()].flatMap((root) =>
  Object.values(root?.getFields() ?? {}).flatMap(({ name, args }) =>
    args.filter((arg) => arg.name === 'filter').map(({ type }) => [name, type] as const),
  ),
);

const fieldsOf = (type: GraphQLInputType) => {
  const named = getNamedType(type);
  return isInputObjectType(named) ? named.getFields() : {};
};

it('most lists take a filter', () => {
  expect(filters.length).toBeGreaterThanOrEqual(17);
});

it.each(filters)('the filter of %s composes: and, or, not of a condition that holds itself', (_, type) => {
  const { and, or, not } = fieldsOf(type);
  const condition = not && String(not.type);
  expect([and && String(and.type), or && String(or.type)]).toEqual([`[${condition}!]`, `[${condition}!]`]);
  const inner = not ? fieldsOf(not.type) : {};
  expect([inner['and'], inner['or'], inner['not']].map((field) => field && String(field.type))).toEqual([
    `[${condition}!]`,
    `[${condition}!]`,
    condition,
  ]);
  expect(Object.values(inner).length).toBeGreaterThan(4);
});
