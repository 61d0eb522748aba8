import { isRole, limitsFault, type Principal, type Role } from '@whydrop/storage';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';

/** Whose bearer tokens are believed beside our own, and where they say what somebody may do. */
export interface OidcSettings {
  /** As the tokens have it in `iss`. */
  readonly issuer: string;
  /** What must be in `aud`. */
  readonly audience: string;
  /** Claim that holds a role, or a list with one: `whydrop_role`, or `realm_access.roles`. */
  readonly roleClaim: string;
  /** Claim that holds the namespaces of a viewer or operator; left out: they see all. */
  readonly namespacesClaim?: string;
  /** Left out: what the issuer's `/.well-known/openid-configuration` says. */
  readonly jwksUri?: string;
}

/** The identity provider cannot be asked now: neither the caller's fault nor a reason to let anybody in. */
export class ProviderUnavailable extends Error {}

/** Signatures by somebody else's key pair. `none` and shared secrets are not among them. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const ROLES_OF_PEOPLE: readonly Role[] = ['admin', 'operator', 'viewer'];
const PATIENCE_MS = 5_000;
const SKEW_SECONDS = 30;

function claim(payload: JWTPayload, path: string): unknown {
  if (path in payload) return payload[path];
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
      payload,
    );
}

const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string');

function roleOf(payload: JWTPayload, { roleClaim }: OidcSettings): Role | undefined {
  const told = texts(claim(payload, roleClaim)).filter(isRole);
  return ROLES_OF_PEOPLE.find((role) => told.includes(role));
}

/** Who a token's claims are; undefined when they give no role, or limits that cannot be kept. */
function principalOfClaims(payload: JWTPayload, settings: OidcSettings): Principal | undefined {
  const role = roleOf(payload, settings);
  if (role === undefined || typeof payload.sub !== 'string' || payload.sub === '') return undefined;
  const identity = { tokenId: `oidc:${payload.sub}`, name: payload.sub, role };
  if (settings.namespacesClaim === undefined || role === 'admin') return identity;
  // A list that is missing is no list of everything.
  const namespaces = texts(claim(payload, settings.namespacesClaim));
  return limitsFault(role, { namespaces }) === undefined ? { ...identity, namespaces } : undefined;
}

async function findJwks({ issuer, jwksUri }: OidcSettings): Promise<JWTVerifyGetKey> {
  if (jwksUri !== undefined) return keysAt(jwksUri);
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' });
  if (!response.ok) throw new ProviderUnavailable(`${address} answered ${response.status}`);
  const { issuer: told, jwks_uri: uri } = (await response.json()) as { readonly issuer?: unknown; jwks_uri?: unknown };
  if (told !== issuer || typeof uri !== 'string') {
    throw new ProviderUnavailable(`${address} is of issuer ${String(told)}, or names no keys`);
  }
  return keysAt(uri);
}

/** Keys are asked for again when a token names one that is not known, at most every so often: that is rotation. */
function keysAt(uri: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(uri), { cooldownDuration: 1_000, timeoutDuration: PATIENCE_MS });
}

/** What is wrong with the token itself, in contrast to not being able to ask for keys. */
function isFault(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC'
  );
}

/** Knows who sends a token of an identity provider. */
export class OidcVerifier {
  private keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(
    private readonly settings: OidcSettings,
    private readonly now: () => number = Date.now,
  ) {}

  /** Undefined: not a token that is believed. Throws `ProviderUnavailable` when that cannot be told now. */
  async principalOf(token: string): Promise<Principal | undefined> {
    const { issuer, audience } = this.settings;
    this.keys ??= findJwks(this.settings);
    try {
      const { payload } = await jwtVerify(token, await this.keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: SKEW_SECONDS,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(this.now()),
      });
      return principalOfClaims(payload, this.settings);
    } catch (error) {
      if (isFault(error)) return undefined;
      this.keys = undefined;
      throw new ProviderUnavailable('the identity provider cannot be asked for its keys', { cause: error });
    }
  }
}
