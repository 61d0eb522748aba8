import { isDataError, isTimeout, isUnavailable } from '@whydrop/storage';
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import type { Log } from '../../options.js';
import { isGraphqlErrorCode, type GraphqlErrorCode } from './graphql-error.js';
import { answerTypeOf, RESPONSE_JSON } from './media-type.js';

interface Known {
  readonly code: GraphqlErrorCode;
  readonly message: string;
}

interface Failure extends Error {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly errors?: readonly GraphQLError[];
}

const OURS = 'something went wrong on our side; the log has it by its requestId';
const BAD_VARIABLE = /^Variable "\$[^"]*" (got invalid value|of (required|non-null) type)/;

/** What Postgres or the server under GraphQL said, in words that tell nothing of our inside. */
function ofFailure(failure: Failure): Known {
  if (isUnavailable(failure)) return { code: 'UNAVAILABLE', message: 'the database cannot be reached now; try again' };
  if (isTimeout(failure)) return { code: 'TIMEOUT', message: 'the query took too long; ask for a shorter time range' };
  if (isDataError(failure))
    return { code: 'BAD_USER_INPUT', message: 'the filter holds a value that cannot be compared' };
  if (failure.code === 'MER_ERR_GQL_PERSISTED_QUERY_NOT_FOUND') {
    return { code: 'GRAPHQL_VALIDATION_FAILED', message: 'the request holds no query' };
  }
  if (typeof failure.code === 'string' && failure.code.startsWith('MER_ERR_')) {
    return { code: 'GRAPHQL_VALIDATION_FAILED', message: failure.message };
  }
  if (isRefused(failure)) return { code: 'BAD_USER_INPUT', message: failure.message };
  return { code: 'INTERNAL_SERVER_ERROR', message: OURS };
}

/** The HTTP server refused the request before GraphQL saw it: no JSON, too large. */
function isRefused({ code, statusCode }: Failure): boolean {
  const refused = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return refused && typeof code === 'string' && code.startsWith('FST_ERR_');
}

const REQUEST_FAULTS: ReadonlySet<unknown> = new Set<GraphqlErrorCode>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'QUERY_TOO_COMPLEX',
]);

/**
 * Status of an answer with errors, the one place that says it: 200 once an operation ran, whatever its fields say; 4xx when
 * the HTTP request is none; 400 for a document that cannot be run, which the older media type answers with 200.
 */
export function statusOf(
  errors: readonly GraphQLError[],
  shown: readonly GraphQLFormattedError[],
  started: boolean,
  accept: string | undefined,
): number {
  if (started || shown.some(({ path }) => path !== undefined)) return 200;
  const refused = errors
    .map(({ originalError }) => originalError as Failure | undefined)
    .find((each) => each && isRefused(each));
  if (typeof refused?.statusCode === 'number') return refused.statusCode;
  if (shown.some(({ extensions }) => extensions?.['code'] === 'RATELIMITED')) return 429;
  if (!shown.every(({ extensions }) => REQUEST_FAULTS.has(extensions?.['code']))) return 200;
  return answerTypeOf(accept) === RESPONSE_JSON ? 400 : 200;
}

function ofValidation(error: GraphQLError): Known {
  const own = error.extensions?.['code'];
  if (isGraphqlErrorCode(own)) return { code: own, message: error.message };
  if (error.message.startsWith('Syntax Error')) return { code: 'GRAPHQL_PARSE_FAILED', message: error.message };
  const code = BAD_VARIABLE.test(error.message) ? 'BAD_USER_INPUT' : 'GRAPHQL_VALIDATION_FAILED';
  return { code, message: error.message };
}

function show(error: GraphQLError, { code, message }: Known, requestId: string): GraphQLFormattedError {
  const { locations, path, extensions } = error;
  return {
    message,
    ...(locations && locations.length > 0 ? { locations } : {}),
    ...(path ? { path } : {}),
    extensions: { ...(code === 'INTERNAL_SERVER_ERROR' ? {} : extensions), code, requestId },
  };
}

/**
 * Errors as callers see them: each with a code of the closed list and the request's id. `started`: whether the operation
 * began to run; what fails before that is the request's fault.
 */
export function formatErrors(
  errors: readonly GraphQLError[],
  started: boolean,
  requestId: string,
  log: Log,
): readonly GraphQLFormattedError[] {
  return errors.flatMap((error) => {
    const failure = error.originalError as Failure | undefined;
    if (Array.isArray(failure?.errors)) {
      return (failure.errors as readonly GraphQLError[]).map((each) => show(each, ofValidation(each), requestId));
    }
    if (isGraphqlErrorCode(error.extensions?.['code'])) return [show(error, ofValidation(error), requestId)];
    if (!started && !failure) return [show(error, ofValidation(error), requestId)];
    const known = failure ? ofFailure(failure) : ({ code: 'INTERNAL_SERVER_ERROR', message: OURS } as const);
    if (known.code === 'INTERNAL_SERVER_ERROR' || known.code === 'UNAVAILABLE') {
      log.error({ requestId, err: failure ?? error, path: error.path }, 'a GraphQL query failed');
    }
    return [show(error, known, requestId)];
  });
}
