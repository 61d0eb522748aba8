import type { Principal } from '@whydrop/storage';
import type { Explanation } from './explanation.type.js';
import { withhold } from './withhold.js';

const ENDS: readonly string[] = ['the source', 'the destination'];

/** The explanation of a drop or group, as this principal may read it. */
export function toldTo(
  { namespaces }: Principal,
  explanation: Explanation,
  { withheld }: { readonly withheld: readonly string[] },
): Explanation {
  if (namespaces === undefined) return explanation;
  const otherEnd = withheld.some((each) => ENDS.includes(each));
  return withhold(explanation, namespaces, otherEnd);
}
