import type { PolicyDirection, PolicyRef } from '@whydrop/model';
import type { CompiledPolicy } from './compiled-policy.js';
import type { CompiledRule } from './rule.js';
import { compareTiers, tierNamed, type TierInfo } from './tiers.js';

/** One step of judging a direction at an endpoint. `after` is the step behind the end of its tier: where a pass goes. */
export type Step =
  /** One rule of a policy that has its place in an order. */
  | {
      readonly kind: 'rule';
      readonly policy: CompiledPolicy;
      readonly rule: CompiledRule;
      readonly tier: TierSteps;
      readonly after: number;
    }
  /** Policies whose allow rules add up. */
  | {
      readonly kind: 'union';
      readonly policies: readonly CompiledPolicy[];
      readonly tier: TierSteps;
      readonly after: number;
    }
  /** Policies of equal priority: which one is asked first is not defined. */
  | {
      readonly kind: 'tie';
      readonly policies: readonly CompiledPolicy[];
      readonly tier: TierSteps;
      readonly after: number;
    }
  | { readonly kind: 'tier-end'; readonly tier: TierSteps };

/** A tier with those of its policies that apply to the endpoint in the direction. */
export interface TierSteps {
  readonly info: TierInfo;
  readonly policies: readonly CompiledPolicy[];
  /** Those that isolate: at the end of the tier the connection is denied because of them. */
  readonly isolating: readonly CompiledPolicy[];
}

/** All steps for one direction at one endpoint, in order. */
export interface Program {
  readonly direction: PolicyDirection;
  readonly steps: readonly Step[];
  readonly tiers: readonly TierSteps[];
}

/** Order within a tier: smaller order first, ties by name as Calico up to v3.31 breaks them. */
function comparePolicies(a: CompiledPolicy, b: CompiledPolicy): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  if (a.sortName !== b.sortName) return a.sortName < b.sortName ? -1 : 1;
  return a.ref.kind < b.ref.kind ? -1 : a.ref.kind > b.ref.kind ? 1 : 0;
}

function tierSteps(info: TierInfo, policies: readonly CompiledPolicy[]): TierSteps {
  const sorted = [...policies].sort(comparePolicies);
  const isolating = info.atEnd === 'deny' ? sorted.filter((policy) => policy.family !== 'priority') : [];
  return { info, policies: sorted, isolating };
}

/** Neighbours that are asked together: all of a union, and priorities that are equal. */
function runs(policies: readonly CompiledPolicy[]): readonly (readonly CompiledPolicy[])[] {
  const found: CompiledPolicy[][] = [];
  for (const policy of policies) {
    const last = found.at(-1);
    const before = last?.[0];
    const together =
      before?.family === policy.family &&
      (policy.family === 'union' || (policy.family === 'priority' && before.order === policy.order));
    if (last && together) last.push(policy);
    else found.push([policy]);
  }
  return found;
}

function stepsOf(tier: TierSteps, direction: PolicyDirection, start: number): readonly Step[] {
  const open: ((after: number) => Step)[] = [];
  for (const policies of runs(tier.policies)) {
    const [first] = policies;
    if (!first) continue;
    if (first.family === 'union') open.push((after) => ({ kind: 'union', policies, tier, after }));
    else if (policies.length > 1) open.push((after) => ({ kind: 'tie', policies, tier, after }));
    else
      for (const rule of first[direction].rules)
        open.push((after) => ({ kind: 'rule', policy: first, rule, tier, after }));
  }
  const after = start + open.length + 1;
  return [...open.map((make) => make(after)), { kind: 'tier-end', tier }];
}

/** Tiers in order, each with its steps behind those of the tier before it. */
function lineUp(tiers: readonly TierSteps[], direction: PolicyDirection): Program {
  const steps: Step[] = [];
  for (const tier of tiers) steps.push(...stepsOf(tier, direction, steps.length));
  return { direction, steps, tiers };
}

function tiersInForce(
  policies: readonly CompiledPolicy[],
  direction: PolicyDirection,
  tiers: ReadonlyMap<string, TierInfo>,
): readonly TierSteps[] {
  const byTier = new Map<string, CompiledPolicy[]>();
  for (const policy of policies) {
    if (!policy[direction].applies) continue;
    const inTier = byTier.get(policy.tier) ?? [];
    inTier.push(policy);
    byTier.set(policy.tier, inTier);
  }
  const ordered = [...byTier].map(([name, inTier]) => tierSteps(tierNamed(tiers, name), inTier));
  return ordered.sort((a, b) => compareTiers(a.info, b.info));
}

/** The last tier: profiles of the endpoint. What none of them admits is denied. */
function profileTier(profiles: readonly CompiledPolicy[]): readonly TierSteps[] {
  if (profiles.length === 0) return [];
  const info: TierInfo = { name: 'profiles', order: Infinity, atEnd: 'deny', assumed: false };
  return [{ info, policies: profiles, isolating: profiles.slice(-1) }];
}

/** Lines up the policies that apply to an endpoint in a direction: tiers, orders, rules; then its profiles. */
export function programOf(
  policies: readonly CompiledPolicy[],
  direction: PolicyDirection,
  tiers: ReadonlyMap<string, TierInfo>,
  profiles: readonly CompiledPolicy[] = [],
): Program {
  return lineUp([...tiersInForce(policies, direction, tiers), ...profileTier(profiles)], direction);
}

/**
 * Lines up the policies of a host endpoint: untracked ones, those before DNAT, then the others. The first two deny
 * nothing at the end of a tier.
 */
export function hostProgramOf(
  policies: readonly CompiledPolicy[],
  direction: PolicyDirection,
  tiers: ReadonlyMap<string, TierInfo>,
  profiles: readonly CompiledPolicy[],
): Program {
  const open = (of: readonly CompiledPolicy[]): readonly TierSteps[] =>
    tiersInForce(of, direction, tiers).map((tier) => ({ ...tier, isolating: [] }));
  const untracked = policies.filter(({ host }) => host?.untracked);
  const early = policies.filter(({ host }) => host?.preDnat && !host.untracked);
  const others = policies.filter(({ host }) => !host?.preDnat && !host?.untracked);
  const last = tiersInForce(others, direction, tiers);
  return lineUp([...open(untracked), ...open(early), ...last, ...profileTier(profiles)], direction);
}

const NONE: readonly PolicyRef[] = [];
const refs = new WeakMap<TierSteps, readonly PolicyRef[]>();

function refsOf(tier: TierSteps): readonly PolicyRef[] {
  const all = tier.isolating.map(({ ref }) => ref);
  const policies = all.filter(({ kind }) => kind !== 'Namespace');
  return policies.length > 0 ? policies : all;
}

/**
 * The policies that isolate in a tier; always the same list for the same tier. An isolated namespace is named only
 * where no policy isolates: it is why there is isolation at all then.
 */
export function isolatorRefs(tier: TierSteps | undefined): readonly PolicyRef[] {
  if (!tier) return NONE;
  const known = refs.get(tier) ?? refsOf(tier);
  refs.set(tier, known);
  return known;
}
