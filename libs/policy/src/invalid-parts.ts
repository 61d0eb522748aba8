import type { KubernetesObject } from '@whydrop/model';
import { networkOf } from './address.js';
import { compileProfile, isProfile } from './kinds/calico-profile.js';
import { compilePolicy } from './kinds/kinds.js';
import { isCalico } from './tiers.js';
import { describe, fieldsOf, scalarText, sequence, type Problem } from './yaml-value.js';

function invalidNets(object: KubernetesObject): readonly Problem[] {
  const problems: Problem[] = [];
  const nets = sequence(fieldsOf(object.spec)['nets'], 'spec.nets', problems) ?? [];
  for (const [i, net] of nets.entries()) {
    if (!networkOf(scalarText(net) ?? ''))
      problems.push({ path: `spec.nets[${i}]`, detail: `not a network: ${describe(net)}` });
  }
  return problems;
}

/** What the API server would refuse in a policy or network set; such parts match nothing here. Empty when all is well. */
export function invalidParts(object: KubernetesObject): readonly Problem[] {
  if (isCalico(object) && (object.kind === 'NetworkSet' || object.kind === 'GlobalNetworkSet'))
    return invalidNets(object);
  if (isProfile(object)) return compileProfile(object).problems;
  const problems = compilePolicy(object, { betaIsolated: false })?.problems ?? [];
  return problems.filter(({ tolerated }) => tolerated !== true);
}
