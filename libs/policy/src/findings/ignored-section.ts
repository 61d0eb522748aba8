import type { PolicyDirection } from '@whydrop/model';
import { policyName } from '../sentence.js';
import { fieldsOf } from '../yaml-value.js';
import type { DirectedFinding, MistakeCheck } from './context.js';

const DIRECTIONS: readonly PolicyDirection[] = ['ingress', 'egress'];

/** A section of rules for a direction that the policy's types do not list: nothing of it is in force. */
export const IGNORED_SECTION: MistakeCheck = {
  code: 'IGNORED_SECTION',
  find: (policy) => {
    if (policy.family === 'priority') return [];
    const spec = fieldsOf(policy.object.spec);
    const key = policy.family === 'union' ? 'policyTypes' : 'types';
    const written = spec[key];
    if (!Array.isArray(written) || written.length === 0) return [];
    return DIRECTIONS.filter((direction) => Object.hasOwn(spec, direction) && !policy[direction].applies).map(
      (direction): DirectedFinding => {
        const type = direction === 'ingress' ? 'Ingress' : 'Egress';
        const sentence = `${policyName(policy.ref)} has an ${direction} section, but ${key} does not list ${type}: the section is ignored and ${direction} stays open; add ${type} to ${key}`;
        return { code: 'IGNORED_SECTION', direction, policy: policy.ref, path: `spec.${direction}`, sentence };
      },
    );
  },
};
