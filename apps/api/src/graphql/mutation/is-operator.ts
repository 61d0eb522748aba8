import { mayAct } from '../../auth/token.guard.js';
import type { GraphqlContext } from '../context.js';

/** Whether the request's token may change alert rules, silences and receivers, and so see how they are made. */
export function isOperator({ principal }: GraphqlContext): boolean {
  return mayAct(principal, 'operator');
}
