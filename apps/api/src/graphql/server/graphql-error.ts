import { GraphQLError } from 'graphql';

/** Codes of GraphQL errors: a closed list, described in apps/api/README.md. */
export type GraphqlErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'RATELIMITED'
  | 'QUERY_TOO_COMPLEX'
  | 'TIMEOUT'
  | 'UNAVAILABLE'
  | 'INTERNAL_SERVER_ERROR'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'PERSISTED_QUERY_NOT_FOUND';

/** An error a caller may read; anything else that is thrown is shown as our fault, without its text. */
export function graphqlError(
  code: GraphqlErrorCode,
  message: string,
  extensions: Readonly<Record<string, unknown>> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } });
}

export function badInput(message: string): GraphQLError {
  return graphqlError('BAD_USER_INPUT', message);
}

export function notFound(what: string): GraphQLError {
  return graphqlError('NOT_FOUND', `there is no ${what}`);
}
