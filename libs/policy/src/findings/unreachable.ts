import type { PolicyDirection } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import type { End } from '../end.js';
import type { CompiledRule } from '../rule.js';
import { policyName } from '../sentence.js';
import { fieldsOf } from '../yaml-value.js';
import type { DirectedFinding, FindingContext, MistakeCheck } from './context.js';

const CONDITIONS = [
  'ipVersion',
  'protocol',
  'notProtocol',
  'icmp',
  'notICMP',
  'http',
  'source',
  'destination',
  'from',
  'to',
  'ports',
  'protocols',
];

function conditionsOf(
  policy: CompiledPolicy,
  direction: PolicyDirection,
  rule: CompiledRule,
): Readonly<Record<string, string>> {
  const rules = fieldsOf(policy.object.spec)[direction];
  const fields = fieldsOf(Array.isArray(rules) ? rules[rule.index] : undefined);
  const found: Record<string, string> = {};
  for (const key of CONDITIONS) {
    const value = fields[key];
    if (value === undefined || value === null) continue;
    if (key !== 'source' && key !== 'destination') found[key] = JSON.stringify(value);
    else for (const [inner, one] of Object.entries(fieldsOf(value))) found[`${key}.${inner}`] = JSON.stringify(one);
  }
  return found;
}

/** Whether everything that the later rule matches is matched by the earlier one: its conditions are among the later's. */
function covers(
  earlier: readonly [CompiledPolicy, CompiledRule],
  later: readonly [CompiledPolicy, CompiledRule],
  direction: PolicyDirection,
): boolean {
  const [first, firstRule] = earlier;
  const [second, secondRule] = later;
  if (firstRule.action === 'log') return false;
  const few = conditionsOf(first, direction, firstRule);
  const many = conditionsOf(second, direction, secondRule);
  // The same words mean other pods in another namespace.
  if (Object.keys(few).length > 0 && first.ref.namespace !== second.ref.namespace) return false;
  return Object.entries(few).every(([key, value]) => many[key] === value);
}

/** The rule that decides before the given one at this end, whatever the connection; undefined when it can be reached. */
function decidedBefore(
  policy: CompiledPolicy,
  rule: CompiledRule,
  direction: PolicyDirection,
  end: End,
  context: FindingContext,
): readonly [CompiledPolicy, CompiledRule] | undefined {
  for (const step of context.program(end, direction).steps) {
    if (step.kind === 'tier-end' || step.tier.info.name !== policy.tier) continue;
    if (step.kind !== 'rule') {
      if (step.policies.includes(policy)) return undefined;
      continue;
    }
    if (step.policy === policy && step.rule === rule) return undefined;
    if (covers([step.policy, step.rule], [policy, rule], direction)) return [step.policy, step.rule];
  }
  return undefined;
}

/** At most so many pods are looked at: a rule that is reached at none of them is taken to be reached nowhere. */
const SAMPLE = 20;

function findingOf(
  policy: CompiledPolicy,
  rule: CompiledRule,
  direction: PolicyDirection,
  context: FindingContext,
): readonly DirectedFinding[] {
  const ends = context.selectedBy(policy).slice(0, SAMPLE);
  const before = ends.map((end) => decidedBefore(policy, rule, direction, end, context));
  const [one] = before;
  if (!one || before.includes(undefined)) return [];
  const [earlier, by] = one;
  const where = earlier === policy ? by.path : `${by.path} of ${policyName(earlier.ref)} (order ${earlier.order})`;
  const own = policy.family === 'union' ? 'order 1000, as every Kubernetes policy' : `order ${policy.order}`;
  const sentence = `${policyName(policy.ref)} (${own}) has ${rule.path}, which is never reached: ${where} decides before it; give it a smaller order, or narrow the earlier rule`;
  return [{ code: 'UNREACHABLE_RULE', direction, policy: policy.ref, path: `spec.${rule.path}`, sentence }];
}

/** A rule that is never reached because an earlier one decides all that it would match. */
export const UNREACHABLE_RULE: MistakeCheck = {
  code: 'UNREACHABLE_RULE',
  find: (policy, context) => {
    if (policy.staged !== undefined || (policy.family === 'union' && !context.policies.hasOrdered)) return [];
    return (['ingress', 'egress'] as const).flatMap((direction) => {
      if (!policy[direction].applies) return [];
      return policy[direction].rules.flatMap((rule) => findingOf(policy, rule, direction, context));
    });
  },
};
