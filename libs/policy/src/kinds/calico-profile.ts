import type { KubernetesObject, PolicyDirection } from '@whydrop/model';
import { policyRef, type CompiledPolicy } from '../compiled-policy.js';
import { PROFILES } from '../host-policy.js';
import type { CompiledDirection } from '../rule.js';
import { isCalico } from '../tiers.js';
import { mapping, sequence, type Problem } from '../yaml-value.js';
import { compileCalicoRule } from './calico-policy.js';

/** Whether the object is a profile of Calico, whatever API group its version stands in. */
export function isProfile(object: KubernetesObject): boolean {
  return object.kind === 'Profile' && isCalico(object);
}

/** Compiles a profile: rules behind all tiers, for the endpoints that carry its name. */
export function compileProfile(object: KubernetesObject): CompiledPolicy {
  const problems: Problem[] = [];
  const spec = mapping(object.spec, 'spec', problems) ?? {};
  const of = (direction: PolicyDirection): CompiledDirection => {
    const rules = sequence(spec[direction], `spec.${direction}`, problems) ?? [];
    const place = { direction, namespace: undefined, problems };
    return { applies: true, rules: rules.map((entry, i) => compileCalicoRule(entry, i, place)) };
  };
  return {
    object,
    ref: policyRef(object, 'Profile', false, PROFILES),
    family: 'ordered',
    tier: PROFILES,
    order: Infinity,
    sortName: object.metadata.name,
    candidates: { namespace: undefined, label: undefined },
    selects: () => false,
    ingress: of('ingress'),
    egress: of('egress'),
    problems,
    staged: undefined,
    host: undefined,
  };
}
