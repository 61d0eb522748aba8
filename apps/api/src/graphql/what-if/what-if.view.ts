import type { DirectionVerdict as Judged, PolicyFix as Fix, PolicyHit } from '@whydrop/model';
import type { AskedVerdict } from '@whydrop/policy';
import { findingOf, fixOf, missOf, policyOf } from '../explanation/explanation.view.js';
import type { DirectionVerdict, PolicyExplanation } from './what-if.type.js';

function hitText({ policy, path }: PolicyHit): string {
  const name = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`;
  return `${policy.kind} ${name} ${path}`;
}

function sideOf({ isolatedBy, decidedBy, misses, ...rest }: Judged): DirectionVerdict {
  return {
    ...rest,
    isolatedBy: isolatedBy.map(policyOf),
    decidedBy: decidedBy.map(hitText),
    misses: [...misses].sort((a, b) => a.distance - b.distance).map(missOf),
  };
}

export function explanationOfVerdict(
  { verdict, direction, egress, ingress, findings, reason }: AskedVerdict,
  at: number,
  withoutProposal: string | null,
  fixes: readonly Fix[],
): PolicyExplanation {
  return {
    verdict,
    direction,
    egress: sideOf(egress),
    ingress: sideOf(ingress),
    findings: findings.map(findingOf),
    reason,
    at,
    withoutProposal,
    fix: fixes.map(fixOf),
  };
}
