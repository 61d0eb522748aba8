import {
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';

/** Everything that can be asked of a type, so many fields deep. */
export function everything(schema: GraphQLSchema, of: GraphQLOutputType, depth: number): string {
  const type = getNamedType(of);
  if (isLeafType(type)) return '';
  if (isUnionType(type))
    return `{ __typename ${type
      .getTypes()
      .map((each) => `... on ${each.name} ${everything(schema, each, depth)}`)
      .join(' ')} }`;
  if (isInterfaceType(type))
    return `{ id ${schema
      .getPossibleTypes(type)
      .map((each) => `... on ${each.name} ${everything(schema, each, depth)}`)
      .join(' ')} }`;
  if (!isObjectType(type)) return '';
  const fields = Object.values(type.getFields()).filter(({ args, type: inner, name }) => {
    const deep = !isLeafType(getNamedType(inner));
    return !args.some(isRequiredArgument) && name !== 'edges' && !(deep && depth <= 1);
  });
  return `{ __typename ${fields.map((field) => `${field.name} ${everything(schema, field.type, depth - 1)}`).join(' ')} }`;
}
