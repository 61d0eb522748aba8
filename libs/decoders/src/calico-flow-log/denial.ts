import type { Denial, FlowVerdict, NamedPolicy } from '@whydrop/model';

/** `allow` and `deny` in any spelling. */
export function verdictOfAction(action: string): FlowVerdict {
  switch (action.toLowerCase()) {
    case 'allow':
      return 'allowed';
    case 'deny':
      return 'dropped';
    default:
      return 'unknown';
  }
}

/** A denial by the last enforced hit: a rule of its own is explicit, the end of a tier is the default. A denial that names none is still one by policy. */
export function denialOfPolicies(verdict: FlowVerdict, policies: readonly NamedPolicy[]): Denial | undefined {
  if (verdict !== 'dropped') return undefined;
  const denying = policies.findLast((policy) => policy.part !== 'staged' && policy.action === 'deny');
  if (!denying) return 'policy';
  return denying.part === 'default' ? 'default' : 'explicit';
}
