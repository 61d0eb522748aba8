import type { PolicyDirection, RuleMiss } from '@whydrop/model';
import type { CompiledPolicy } from './compiled-policy.js';
import type { Connection } from './end.js';
import type { TierSteps } from './program.js';
import { nearestMiss, type CompiledRule } from './rule.js';

function missOf(
  policy: CompiledPolicy,
  rule: CompiledRule,
  connection: Connection,
  direction: PolicyDirection,
  bound = Infinity,
): RuleMiss | undefined {
  const nearest = rule.action === 'allow' ? nearestMiss(rule, connection, bound) : undefined;
  if (!nearest) return undefined;
  const failures = nearest.failures();
  if (failures.length === 0) return undefined;
  const failed = failures.map(({ field, path, wanted, got }) => ({ field, path, wanted, got }));
  return { policy: policy.ref, direction, rule: rule.index, path: nearest.path, failed, distance: nearest.distance };
}

/** Every rule of the tier that could have admitted the connection, with what it lacked; nearest first. */
export function missesOf(tier: TierSteps, connection: Connection, direction: PolicyDirection): readonly RuleMiss[] {
  const misses = tier.policies.flatMap((policy) =>
    policy[direction].rules.flatMap((rule) => missOf(policy, rule, connection, direction) ?? []),
  );
  return misses.sort((a, b) => a.distance - b.distance);
}

/** The first of them alone, found without working out the others. */
export function nearestOf(tier: TierSteps, connection: Connection, direction: PolicyDirection): RuleMiss | undefined {
  let bound = Infinity;
  let best: { policy: CompiledPolicy; rule: CompiledRule } | undefined;
  for (const policy of tier.policies) {
    for (const rule of policy[direction].rules) {
      const nearest = rule.action === 'allow' ? nearestMiss(rule, connection, bound) : undefined;
      if (!nearest || nearest.distance === 0 || nearest.distance >= bound) continue;
      bound = nearest.distance;
      best = { policy, rule };
    }
  }
  return best && missOf(best.policy, best.rule, connection, direction);
}
