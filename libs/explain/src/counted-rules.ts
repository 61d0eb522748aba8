import type { Instant, PolicyDirection, PolicyPart, RulesetSnapshot } from '@whydrop/model';
import { counterDeltas, type CounterChange, type CounterDelta, endsPacket, type RuleOwner } from '@whydrop/ruleset';
import { ruleIdentity } from './conservation.js';
import type { CountedFacts, CountedWindow } from './counted.js';
import type { ClusterHistory } from './history.js';
import { causeOfOwner } from './observed-rung.js';
import { chainRuleRef } from './chain-rule-ref.js';
import type { ClusterView } from './view.js';

const DIRECTIONS: readonly PolicyDirection[] = ['ingress', 'egress'];

/** The policies that a rule stands for: those asked before it, else those that isolate its workload. */
function policiesOf(owner: RuleOwner | undefined, view: ClusterView): readonly PolicyPart[] {
  if (!owner || causeOfOwner(owner) !== 'policy') return [];
  const denies = owner.role === 'policy-deny' && owner.policy ? [owner.policy] : [];
  if (denies.length > 0) return denies.map((ref): PolicyPart => ({ ...ref, part: 'denies' }));
  const { workload, direction } = owner;
  const asked = workload
    ? DIRECTIONS.filter((each) => direction === undefined || each === direction).flatMap((each) =>
        view.engine.isolators({ kind: 'pod', namespace: workload.namespace, name: workload.pod }, each),
      )
    : [];
  const refs = owner.policies.length > 0 ? owner.policies : asked;
  const byName = new Map(refs.map((ref) => [`${ref.namespace}/${ref.name}/${ref.kind}`, ref]));
  return [...byName]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, ref]): PolicyPart => ({ ...ref, part: 'isolates' }));
}

function factsOf(node: string, series: MovedRule, snapshot: RulesetSnapshot, view: ClusterView): CountedFacts {
  const { table, chain, rule } = series;
  const owner = view.owners.ownerOf(snapshot, table, chain, rule);
  const cause = causeOfOwner(owner);
  const policies = policiesOf(owner, view);
  const explicit = policies.some(({ part }) => part === 'denies');
  const byPolicy = explicit ? 'POLICY_EXPLICIT_DENY' : 'POLICY_DEFAULT_DENY';
  const text = rule ?? { position: 0, text: `:${chain} DROP` };
  const shared = cause === 'policy' && policies.length === 0;
  return {
    channel: 'counter',
    node,
    verdict: rule && endsPacket(rule) === 'reject' ? 'rejected' : 'dropped',
    cause: cause === 'policy' ? byPolicy : cause,
    direction: (cause === 'policy' ? owner?.direction : undefined) ?? null,
    endpoint: owner?.workload?.pod,
    source: undefined,
    destination: undefined,
    protocol: undefined,
    destinationPort: undefined,
    policies,
    misses: [],
    chainRule: chainRuleRef(node, table, chain, text, owner),
    counter: rule ? `Rule ${rule.position} of chain ${chain}` : `The policy of chain ${chain}`,
    assumptions: [],
    missing: [
      'source and destination: nothing logged these packets',
      ...(shared ? ['which of the policies on this node it was: the rule is shared by all of them'] : []),
    ],
  };
}

/** Chains of some plugins have another name after each sync: what they are for stays. */
function keyOf({ node, chainRule }: CountedFacts, { family, backend }: RulesetSnapshot): string {
  return ['counter', node, family, backend, chainRule && ruleIdentity(chainRule)].join(' ');
}

/** A drop rule, or dropping chain policy, whose counter moved between two snapshots. */
export interface MovedRule extends Pick<CounterDelta, 'table' | 'chain' | 'rule' | 'change'> {
  readonly packets: bigint;
  readonly isLowerBound: boolean;
}

const LOST: Readonly<Record<CounterChange, readonly string[]>> = {
  counted: [],
  reset: ['its counter, or another one of its chain, began anew: what it had counted before that'],
  appeared: ['the rule was put there in between: what one of its kind counted before it'],
  vanished: ['the rule was taken away in between: what it counted until then'],
};

/** What moved on a node between two snapshots of one family and backend. */
export interface RulePair {
  readonly node: string;
  readonly from: Instant;
  readonly to: Instant;
  /** The later one; its counters are not needed. */
  readonly ruleset: RulesetSnapshot;
  readonly moved: readonly MovedRule[];
}

/** The drop rules whose counters moved between two snapshots, or went with what they had counted. */
export function movedRules(before: RulesetSnapshot, after: RulesetSnapshot): readonly MovedRule[] {
  return counterDeltas(before, after).flatMap(({ table, chain, rule, chainPolicy, packets, reset, change }) => {
    const ends = rule ? endsPacket(rule) !== undefined : chainPolicy === 'DROP';
    // A rule that never counted anything is not missed.
    const isMissed = change === 'vanished' && (rule?.counter?.packets ?? 0n) > 0n;
    return ends && (packets > 0n || isMissed) ? [{ table, chain, rule, change, packets, isLowerBound: reset }] : [];
  });
}

/** What the drop rules of each node counted between two snapshots. */
export function ruleWindows(pairs: readonly RulePair[], history: ClusterHistory): readonly CountedWindow[] {
  return pairs.flatMap(({ node, from, to, ruleset, moved }) =>
    moved.map((rule): CountedWindow => {
      const { packets, isLowerBound, change } = rule;
      const facts = factsOf(node, rule, ruleset, history.at(to));
      const { family } = ruleset;
      return { key: keyOf(facts, ruleset), from, to, packets, isLowerBound, facts, family, lost: LOST[change] };
    }),
  );
}
