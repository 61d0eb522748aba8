import { policyName } from '../sentence.js';
import type { MistakeCheck } from './context.js';

/** A part that the API server would refuse, or that this version of the API does not know: it matches nothing, or fails closed. */
export const NOT_VALID: MistakeCheck = {
  code: 'INVALID_POLICY',
  find: (policy) =>
    policy.problems.map(({ path, detail, tolerated }) => {
      const code = tolerated ? 'FAILS_CLOSED' : 'INVALID_POLICY';
      const effect = tolerated
        ? 'the rule fails closed (an allow rule matches nothing, any other denies everything)'
        : 'that part matches nothing';
      const sentence = `${policyName(policy.ref)}: ${detail}, so ${effect}; correct ${path}`;
      return { code, direction: undefined, policy: policy.ref, path, sentence };
    }),
};
