import type { PolicyDirection } from '@whydrop/model';
import type { CompiledPolicy } from '../compiled-policy.js';
import type { Program } from '../program.js';
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

const conditions = new WeakMap<CompiledRule, Readonly<Record<string, string>>>();

function conditionsOf(
  policy: CompiledPolicy,
  direction: PolicyDirection,
  rule: CompiledRule,
): Readonly<Record<string, string>> {
  const remembered = conditions.get(rule) ?? readConditions(policy, direction, rule);
  conditions.set(rule, remembered);
  return remembered;
}

function readConditions(
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

type Place = readonly [CompiledPolicy, CompiledRule];

/** All selections of some of the conditions, the empty one first: a rule is covered by one that has only some of them. */
function subsets(conditions: Readonly<Record<string, string>>): readonly string[] {
  const entries = Object.entries(conditions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MOST);
  let keys = [''];
  for (const [key, value] of entries) keys = [...keys, ...keys.map((before) => `${before}\n${key}=${value}`)];
  return keys;
}

/** Rules with more conditions than this are compared by the first of them. */
const MOST = 8;

/** The same words mean other pods in another namespace; a rule without conditions means the same everywhere. */
function keyOf(tier: string, policy: CompiledPolicy, conditions: string): string {
  return conditions === '' ? tier : `${tier} ${policy.ref.namespace ?? ''}${conditions}`;
}

/** For every rule of a program the earlier rule of its tier that decides all that it would match, if there is one. */
function coversOf(program: Program): ReadonlyMap<CompiledRule, Place> {
  const { direction } = program;
  const first = new Map<string, Place>();
  const covers = new Map<CompiledRule, Place>();
  /** Finds what covers the rule; gives the key under which it covers others, where it has few enough conditions. */
  const look = (tier: string, policy: CompiledPolicy, rule: CompiledRule): string | undefined => {
    const own = conditionsOf(policy, direction, rule);
    const keys = subsets(own).map((some) => keyOf(tier, policy, some));
    const cover = keys.map((key) => first.get(key)).find((place) => place !== undefined);
    if (cover) covers.set(rule, cover);
    return Object.keys(own).length > MOST ? undefined : keys.at(-1);
  };
  for (const step of program.steps) {
    if (step.kind === 'tier-end' || step.kind === 'tie') continue;
    const tier = step.tier.info.name;
    if (step.kind === 'union') {
      for (const policy of step.policies) for (const rule of policy[direction].rules) look(tier, policy, rule);
      continue;
    }
    const own = look(tier, step.policy, step.rule);
    if (own !== undefined && step.rule.action !== 'log' && !first.has(own)) first.set(own, [step.policy, step.rule]);
  }
  return covers;
}

const known = new WeakMap<Program, ReadonlyMap<CompiledRule, Place>>();

/** The rule that decides before the given one at this end, whatever the connection; undefined when it can be reached. */
function decidedBefore(rule: CompiledRule, program: Program): Place | undefined {
  const covers = known.get(program) ?? coversOf(program);
  known.set(program, covers);
  return covers.get(rule);
}

/** At most so many pods are looked at: a rule that is reached at none of them is taken to be reached nowhere. */
const SAMPLE = 6;

function findingOf(
  policy: CompiledPolicy,
  rule: CompiledRule,
  direction: PolicyDirection,
  context: FindingContext,
): readonly DirectedFinding[] {
  const ends = context.selectedBy(policy).slice(0, SAMPLE);
  const before = ends.map((end) => decidedBefore(rule, context.program(end, direction)));
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
