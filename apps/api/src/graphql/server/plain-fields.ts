import { isObjectType, type GraphQLField, type GraphQLSchema } from 'graphql';

const NESTS_OWN = 'rootFieldResolver';

/** Whether a field's function does nothing but read the property of its name. */
function isPlain({ name, resolve }: GraphQLField<unknown, unknown>): boolean {
  if (resolve?.name !== NESTS_OWN) return false;
  const value = {};
  const read = resolve as (parent: object) => unknown;
  return read({ [name]: value }) === value && read({}) === undefined;
}

/**
 * Nest gives each field a function, also those that only read a property; the query compiler then calls it for each value
 * of each row. Without it the compiler writes the property's name. To be called once, on a schema that is new.
 */
export function dropPlainResolvers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) if (isPlain(field)) delete field.resolve;
  }
  return schema;
}
