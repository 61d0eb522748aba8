import { NoSchemaIntrospectionCustomRule, type GraphQLFormattedError, type ValidationRule } from 'graphql';
import type { ApiOptions } from '../../options.js';
import { depthLimit } from './depth-limit.js';

/** Rules that documents are held to beside those of GraphQL itself. */
export function validationRulesOf({
  introspection = true,
}: Pick<ApiOptions, 'introspection'>): readonly ValidationRule[] {
  return introspection ? [depthLimit] : [depthLimit, NoSchemaIntrospectionCustomRule];
}

/** Errors without what graphql guesses was meant, where the schema is not told. */
export function withoutHints(
  errors: readonly GraphQLFormattedError[],
  { introspection = true }: Pick<ApiOptions, 'introspection'>,
): readonly GraphQLFormattedError[] {
  if (introspection) return errors;
  return errors.map((error) => ({ ...error, message: error.message.replace(/ ?Did you mean .*$/s, '') }));
}
