import type { AdmittedPair, ChainRule, Explanation, PolicyFix, PolicyReference, RuleMiss } from './explanation.type.js';

type Own = (namespace: string | null | undefined) => boolean;

/** Criteria that say nothing about whoever is at the other end but what its packets show. */
const SHOWN_BY_PACKETS: ReadonlySet<string> = new Set([
  'port',
  'protocol',
  'icmp',
  'ipVersion',
  'ipBlock',
  'except',
  'nets',
]);

/** What another namespace wrote is withheld; what is the whole cluster's is named. */
const known = (policy: PolicyReference, own: Own) => policy.namespace === null || own(policy.namespace);

function missOf(miss: RuleMiss): RuleMiss {
  const failed = miss.failed.filter(({ field }) => SHOWN_BY_PACKETS.has(field));
  return Object.assign({}, miss, { path: /^[a-z]+\[\d+\]/.exec(miss.path)?.[0] ?? '', failed });
}

function ruleOf(rule: ChainRule | null, own: Own): ChainRule | null {
  return own(rule?.owner?.workload?.namespace) ? rule : null;
}

function admits({ source, destination }: AdmittedPair, own: Own): boolean {
  return [source, destination].every((end) => own(end.split('/', 1)[0]));
}

// The stored sentence counts what a change admits in all namespaces.
function fixOf({ policy, patch, alsoAdmits }: PolicyFix, own: Own): PolicyFix {
  const admitted = alsoAdmits.filter((pair) => admits(pair, own));
  const others = admitted.length === 0 ? 'no other pair' : `${admitted.length} other pairs`;
  const sentence = `It admits the connection, and of your namespaces ${others}; those of other namespaces are not told`;
  return { policy, patch, sentence, alsoAdmits: admitted };
}

/** What of an explanation is withheld from a token that is limited to namespaces, whatever it explains. */
const ALWAYS = ['policies and rules of other namespaces', 'what a change admits in other namespaces'] as const;
const OF_OTHER_END = ['labels of the other end', 'assumptions', 'findings', 'changes that would admit it'] as const;

/**
 * An explanation as it may be told to somebody who is limited to namespaces. `otherEnd`: one end of what it explains is in a
 * namespace that they do not see; then only what their own policies ask of packets is left. What is withheld does not
 * depend on what there is to withhold.
 */
export function withhold(explanation: Explanation, namespaces: readonly string[], otherEnd: boolean): Explanation {
  const own: Own = (namespace) => typeof namespace === 'string' && namespaces.includes(namespace);
  const point = explanation.enforcementPoint;
  const misses = explanation.misses.filter(({ policy }) => known(policy, own));
  const told: Explanation = Object.assign({}, explanation, {
    enforcementPoint: own(point?.workload?.namespace) ? point : null,
    policies: explanation.policies.filter((policy) => known(policy, own)),
    misses,
    chainRule: ruleOf(explanation.chainRule, own),
    via: ruleOf(explanation.via, own),
    findings: explanation.findings.filter(({ policy }) => policy !== null && known(policy, own)),
    fix: explanation.fix.filter(({ policy }) => policy === null || known(policy, own)).map((fix) => fixOf(fix, own)),
    withheld: otherEnd ? [...ALWAYS, ...OF_OTHER_END] : ALWAYS,
  });
  if (!otherEnd) return told;
  const nothing = { assumptions: [], missing: [], findings: [], fix: [] };
  return Object.assign({}, told, nothing, { misses: nearestAsIs(misses) });
}

/** In the order of the policy, not of nearness: that would tell the other end's labels. One line per rule. */
function nearestAsIs(misses: readonly RuleMiss[]): readonly RuleMiss[] {
  const placeOf = ({ policy, path }: RuleMiss) => JSON.stringify([policy.kind, policy.namespace, policy.name, path]);
  const byPlace = new Map(misses.map(missOf).map((miss) => [placeOf(miss), miss]));
  return [...byPlace.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, miss]) => miss);
}
