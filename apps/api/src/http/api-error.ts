/** Codes of the HTTP interface's error answers: a closed list, described in docs/ingest.md. */
export type ApiErrorCode =
  | 'BAD_ENVELOPE'
  | 'BAD_GZIP'
  | 'BAD_REQUEST'
  | 'CONFLICT'
  | 'FORBIDDEN'
  | 'INTERNAL_SERVER_ERROR'
  | 'NOT_FOUND'
  | 'RATELIMITED'
  | 'TOO_LARGE'
  | 'UNAUTHENTICATED'
  | 'UNAVAILABLE'
  | 'UNKNOWN_FORMAT'
  | 'UNSUPPORTED_ENCODING';

/** An answer that is not the wanted one: status, code and one sentence, and what helps to do better. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: ApiErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** 503: try the same again after some seconds. */
export function unavailable(message: string, retryAfterSeconds = 5): ApiError {
  return new ApiError(503, 'UNAVAILABLE', message, {}, { 'retry-after': String(retryAfterSeconds) });
}
