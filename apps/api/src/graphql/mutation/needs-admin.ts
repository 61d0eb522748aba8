import { mayAct } from '../../auth/token.guard.js';
import type { GraphqlContext } from '../context.js';
import { graphqlError } from '../server/graphql-error.js';

export function isAdmin({ principal }: GraphqlContext): boolean {
  return mayAct(principal, 'admin');
}

/** Throws FORBIDDEN when the request's token may not change anything. */
export function needsAdmin(context: GraphqlContext): void {
  if (isAdmin(context)) return;
  throw graphqlError('FORBIDDEN', `this needs a token with role admin; the token has role ${context.principal.role}`);
}
