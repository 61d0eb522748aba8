import type { ApiOptions } from '../options.js';
import type { OidcSettings } from './oidc.js';

type Environment = Readonly<Record<string, string | undefined>>;

function addressOf(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1' || url?.hostname === '[::1]';
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return text;
  throw new Error(`${name} is ${text}: it must be an https address`);
}

/** Whose tokens are believed, as the environment says. Throws when half of it is there. */
function oidcOf(env: Environment): OidcSettings | undefined {
  const issuer = env['WHYDROP_OIDC_ISSUER'];
  if (issuer === undefined || issuer === '') return undefined;
  const audience = env['WHYDROP_OIDC_AUDIENCE'];
  if (!audience) throw new Error('WHYDROP_OIDC_AUDIENCE is not set: tokens for others must not be taken');
  const namespacesClaim = env['WHYDROP_OIDC_NAMESPACES_CLAIM'];
  const jwksUri = env['WHYDROP_OIDC_JWKS_URI'];
  return {
    issuer: addressOf('WHYDROP_OIDC_ISSUER', issuer),
    audience,
    roleClaim: env['WHYDROP_OIDC_ROLE_CLAIM'] ?? 'whydrop_role',
    ...(namespacesClaim ? { namespacesClaim } : {}),
    ...(jwksUri ? { jwksUri: addressOf('WHYDROP_OIDC_JWKS_URI', jwksUri) } : {}),
  };
}

/** What the environment says about who may ask, and how much. */
export function securityOf(env: Environment): Pick<ApiOptions, 'introspection' | 'queryLimits' | 'oidc'> {
  const oidc = oidcOf(env);
  const text = env['WHYDROP_COST_PER_SECOND'];
  const costPerSecond = Number(text);
  if (text && !(costPerSecond >= 1))
    throw new Error(`WHYDROP_COST_PER_SECOND is ${text}: it must be a number from 1 on`);
  return {
    introspection: env['WHYDROP_INTROSPECTION'] !== '0',
    ...(text ? { queryLimits: { costPerSecond, costBurst: costPerSecond * 10 } } : {}),
    ...(oidc ? { oidc } : {}),
  };
}
