import { authenticate, type Principal } from '@whydrop/storage';
import { ApiError } from '../http/api-error.js';
import type { ApiOptions } from '../options.js';

const CHALLENGE = 'Bearer realm="whydrop"';

function unauthenticated(message: string, challenge: string): ApiError {
  return new ApiError(401, 'UNAUTHENTICATED', message, {}, { 'www-authenticate': challenge });
}

/** Who sends this `Authorization` header. Throws the 401 to answer; throws as Postgres does when that is away. */
export async function principalOf(
  { database }: Pick<ApiOptions, 'database'>,
  header: string | undefined,
): Promise<Principal> {
  if (header === undefined) throw unauthenticated('a bearer token is needed: Authorization: Bearer whd_…', CHALLENGE);
  const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const principal = token === undefined ? undefined : await authenticate(database, token);
  if (!principal) {
    const message = 'the token is not known, mistyped, expired or revoked';
    throw unauthenticated(message, `${CHALLENGE}, error="invalid_token"`);
  }
  return principal;
}
