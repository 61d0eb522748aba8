import type { Ipset } from '@whydrop/model';
import type { Drift, DriftCode, ReconcileInput } from './input.js';

/** Chains of workloads and policies that are not there any more. */
export function orphans({ node, ruleset, owners, pods, policyExists }: ReconcileInput): readonly Drift[] {
  const exists = policyExists ?? (({ policies }) => policies.some(({ uid }) => uid !== undefined));
  const local = new Set(pods.filter((pod) => pod.node === node).map((pod) => `${pod.namespace}/${pod.name}`));
  return ruleset.tables.flatMap(({ name: table, chains }) =>
    chains.flatMap((chain) => {
      const owner = owners.ownerOf(ruleset, table, chain.name);
      const pod = owner?.workload && `${owner.workload.namespace}/${owner.workload.pod}`;
      const isLostPod = owner?.role === 'workload-policies' && (pod === undefined || !local.has(pod));
      const isLostPolicy = owner?.role === 'policy' && exists(owner) === false;
      if (!isLostPod && !isLostPolicy) return [];
      const whose = isLostPod ? `no pod of the node (${pod ?? owner.interface ?? 'unknown'})` : 'no policy that exists';
      return [
        {
          code: 'ORPHAN_CHAIN' as const,
          node,
          workload: owner.workload,
          direction: owner.direction,
          subject: chain.name,
          witness: undefined,
          decidedAt: undefined,
          count: 1,
          sentence: `Chain ${chain.name} of table ${table} on node ${node} belongs to ${whose}.`,
        },
      ];
    }),
  );
}

function memberDrift(code: DriftCode, node: string, set: Ipset, elements: readonly string[]): readonly Drift[] {
  const [first] = elements;
  if (first === undefined) return [];
  const word = code === 'SET_MEMBER_MISSING' ? 'lacks' : 'still has';
  const more = elements.length > 1 ? ` and ${elements.length - 1} more` : '';
  const sentence = `Set ${set.name} on node ${node} ${word} ${first}${more}.`;
  const nothing = { workload: undefined, direction: undefined, witness: undefined, decidedAt: undefined };
  const subject = set.name;
  return [{ code, node, ...nothing, subject, count: elements.length, sentence }];
}

/** Sets whose members are not what they should be. */
export function memberDrifts({ node, ipsets, expectedMembers }: ReconcileInput): readonly Drift[] {
  if (!ipsets || !expectedMembers) return [];
  return ipsets.sets.flatMap((set) => {
    const expected = expectedMembers(set);
    if (!expected) return [];
    const wanted = new Set(expected);
    const present = new Set(set.members.filter(({ nomatch }) => !nomatch).map(({ element }) => element));
    const missing = expected.filter((element) => !present.has(element)).toSorted();
    const extra = [...present].filter((element) => !wanted.has(element)).toSorted();
    return [
      ...memberDrift('SET_MEMBER_MISSING', node, set, missing),
      ...memberDrift('SET_MEMBER_EXTRA', node, set, extra),
    ];
  });
}
