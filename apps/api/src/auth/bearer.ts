import { authenticate, type Database, type Principal } from '@whydrop/storage';
import { ApiError, unavailable } from '../http/api-error.js';
import type { ApiOptions } from '../options.js';
import { AskedTogether } from './asked-together.js';
import { OidcVerifier, ProviderUnavailable } from './oidc.js';

type Options = Pick<ApiOptions, 'database' | 'oidc' | 'now'>;

const CHALLENGE = 'Bearer realm="whydrop"';
const OWN = /^whd_/;

function unauthenticated(message: string, challenge: string): ApiError {
  return new ApiError(401, 'UNAUTHENTICATED', message, {}, { 'www-authenticate': challenge });
}

// One per server, which keeps the provider's keys.
const verifiers = new WeakMap<object, OidcVerifier>();

function verifierOf({ oidc, now }: Options): OidcVerifier | undefined {
  if (!oidc) return undefined;
  const known = verifiers.get(oidc);
  if (known) return known;
  const made = new OidcVerifier(oidc, now);
  verifiers.set(oidc, made);
  return made;
}

const tokens = new WeakMap<Database, AskedTogether<Principal | undefined>>();

function tokensOf(database: Database): AskedTogether<Principal | undefined> {
  const known = tokens.get(database);
  if (known) return known;
  const made = new AskedTogether((token) => authenticate(database, token));
  tokens.set(database, made);
  return made;
}

async function principalOfToken(options: Options, token: string): Promise<Principal | undefined> {
  if (OWN.test(token)) return tokensOf(options.database).ask(token);
  try {
    return await verifierOf(options)?.principalOf(token);
  } catch (error) {
    if (error instanceof ProviderUnavailable) throw unavailable(error.message);
    throw error;
  }
}

/** Who sends this `Authorization` header. Throws the 401 to answer; throws as Postgres does when that is away. */
export async function principalOf(options: Options, header: string | undefined): Promise<Principal> {
  if (header === undefined) throw unauthenticated('a bearer token is needed: Authorization: Bearer whd_…', CHALLENGE);
  const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const principal = token === undefined ? undefined : await principalOfToken(options, token);
  if (!principal) {
    const message = 'the token is not known, mistyped, expired or revoked';
    throw unauthenticated(message, `${CHALLENGE}, error="invalid_token"`);
  }
  return principal;
}
