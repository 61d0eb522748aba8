import { GraphQLError } from 'graphql';

/** Codes of GraphQL errors: a closed list, described in apps/api/README.md. Nothing else leaves the server at its path. */
export const GRAPHQL_ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'RATELIMITED',
  'QUERY_TOO_COMPLEX',
  'TIMEOUT',
  'UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'PERSISTED_QUERY_NOT_FOUND',
] as const;
export type GraphqlErrorCode = (typeof GRAPHQL_ERROR_CODES)[number];

export function isGraphqlErrorCode(code: unknown): code is GraphqlErrorCode {
  return GRAPHQL_ERROR_CODES.includes(code as GraphqlErrorCode);
}

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
