import type { PolicyDirection, PolicyHit } from '@whydrop/model';
import type { CompiledPolicy } from './compiled-policy.js';
import type { Connection } from './end.js';
import type { Program, Step, TierSteps } from './program.js';
import { missingFacts, ruleMatches, type CompiledRule } from './rule.js';

/** What the steps of a program say about a connection. */
export interface Decision {
  readonly verdict: 'allowed' | 'denied' | 'unknown';
  readonly hits: readonly PolicyHit[];
  /** The tier that decided; undefined when every tier was passed. */
  readonly tier: TierSteps | undefined;
  readonly missing: readonly string[];
}

const PASSED: Decision = { verdict: 'allowed', hits: [], tier: undefined, missing: [] };

function hitOf(policy: CompiledPolicy, rule: CompiledRule, direction: PolicyDirection): PolicyHit {
  const { index, name, action, path } = rule;
  return { policy: policy.ref, direction, rule: index, ruleName: name, action, path };
}

/** What to go on with where a step cannot be decided: the branches it may take. */
function undecided(branches: readonly Decision[], missing: readonly string[], tier: TierSteps): Decision {
  const [first, ...others] = branches;
  const same = first && first.verdict !== 'unknown' && others.every(({ verdict }) => verdict === first.verdict);
  // Whatever the missing fact is, the answer is the same; the last branch rests on nothing unknown.
  if (same) return branches.at(-1) ?? first;
  const all = [...missing, ...branches.flatMap((branch) => branch.missing)];
  return { verdict: 'unknown', hits: [], tier, missing: [...new Set(all)] };
}

class Walk {
  private readonly known = new Map<number, Decision>();

  constructor(
    private readonly program: Program,
    private readonly connection: Connection,
  ) {}

  from(index: number): Decision {
    for (let i = index; i < this.program.steps.length; i++) {
      const step = this.program.steps[i];
      if (!step) break;
      const decision = this.step(step, i);
      if (decision) return decision;
    }
    return PASSED;
  }

  private rest(index: number): Decision {
    const decision = this.known.get(index) ?? this.from(index);
    this.known.set(index, decision);
    return decision;
  }

  /** A decision, or undefined to go on with the next step. */
  private step(step: Step, index: number): Decision | undefined {
    switch (step.kind) {
      case 'rule':
        return this.rule(step, index);
      case 'union':
        return this.union(step, index);
      case 'tie':
        return this.tie(step, index);
      case 'tier-end':
        return this.tierEnd(step.tier);
    }
  }

  private tierEnd(tier: TierSteps): Decision | undefined {
    if (tier.isolating.length === 0) return undefined;
    return { verdict: 'denied', hits: [], tier, missing: [] };
  }

  /** What follows once the rule is known to match. */
  private taken(policy: CompiledPolicy, rule: CompiledRule, tier: TierSteps, after: number): Decision {
    if (rule.action === 'pass') return this.rest(after);
    const verdict = rule.action === 'deny' ? 'denied' : 'allowed';
    return { verdict, hits: [hitOf(policy, rule, this.program.direction)], tier, missing: [] };
  }

  private rule(step: Step & { kind: 'rule' }, index: number): Decision | undefined {
    const { policy, rule, tier, after } = step;
    if (rule.action === 'log') return undefined;
    const matches = ruleMatches(rule, this.connection);
    if (matches === false) return undefined;
    const taken = this.taken(policy, rule, tier, after);
    if (matches === true) return taken;
    return undecided([taken, this.rest(index + 1)], missingFacts(rule, this.connection), tier);
  }

  private union(step: Step & { kind: 'union' }, index: number): Decision | undefined {
    const { direction } = this.program;
    const hits: PolicyHit[] = [];
    const missing: string[] = [];
    for (const policy of step.policies) {
      for (const rule of policy[direction].rules) {
        const matches = ruleMatches(rule, this.connection);
        if (matches === true) hits.push(hitOf(policy, rule, direction));
        if (matches === undefined) missing.push(...missingFacts(rule, this.connection));
      }
    }
    if (hits.length > 0) return { verdict: 'allowed', hits, tier: step.tier, missing: [] };
    if (missing.length === 0) return undefined;
    const admitted: Decision = { verdict: 'allowed', hits: [], tier: step.tier, missing: [] };
    return undecided([admitted, this.rest(index + 1)], missing, step.tier);
  }

  /** The first rule of the policy that matches; several where earlier ones cannot be decided; then going on. */
  private branchesOf(policy: CompiledPolicy, tier: TierSteps, after: number): readonly TieBranch[] {
    const branches: TieBranch[] = [];
    for (const rule of policy[this.program.direction].rules) {
      const matches = ruleMatches(rule, this.connection);
      if (matches === false || rule.action === 'log') continue;
      const decision = this.taken(policy, rule, tier, after);
      branches.push({ action: rule.action, decision, missing: matches ? [] : missingFacts(rule, this.connection) });
      if (matches === true) return branches;
    }
    return [...branches, { action: 'none', decision: PASSED, missing: [] }];
  }

  private tie(step: Step & { kind: 'tie' }, index: number): Decision | undefined {
    const perPolicy = step.policies.map((policy) => this.branchesOf(policy, step.tier, step.after));
    const branches = perPolicy.flat().filter(({ action }) => action !== 'none');
    if (branches.length === 0) return undefined;
    const certain = perPolicy.some((of) => of.every(({ action }) => action !== 'none'));
    const decisions = branches.map(({ decision }) => decision);
    const [first] = branches;
    if (first && certain && branches.every(({ action, missing }) => action === first.action && missing.length === 0)) {
      return { ...first.decision, hits: decisions.flatMap(({ hits }) => hits) };
    }
    const names = step.policies.map((policy) => policy.ref.name).join(' and ');
    const facts = branches.flatMap(({ missing }) => missing);
    const missing = facts.length > 0 ? facts : [`which of ${names} comes first: their priority is equal`];
    return undecided(certain ? decisions : [...decisions, this.rest(index + 1)], missing, step.tier);
  }
}

interface TieBranch {
  readonly action: 'allow' | 'deny' | 'pass' | 'none';
  readonly decision: Decision;
  readonly missing: readonly string[];
}

/** Walks a program with a connection: the first rule that decides, or the end of the first tier that isolates. */
export function walk(program: Program, connection: Connection): Decision {
  return new Walk(program, connection).from(0);
}
