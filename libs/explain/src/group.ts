import { createHash } from 'node:crypto';
import type { ChainRuleRef, Drop, ExplainedEnd } from '@whydrop/model';

/** An end as drops are grouped by it: the workload, the node, or the address. */
export interface GroupEnd {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
}

/** Drops with the same ends, protocol, port, direction, cause and deciding rule. */
export interface DropGroupKey {
  readonly id: string;
  readonly source: GroupEnd;
  readonly destination: GroupEnd;
  readonly policies: readonly string[];
}

function groupEnd(end: ExplainedEnd): GroupEnd {
  if (end.workload) return { kind: end.workload.kind, namespace: end.workload.namespace, name: end.workload.name };
  if (end.role === 'node') return { kind: 'Node', namespace: null, name: end.node ?? end.ip };
  return { kind: 'Address', namespace: null, name: end.ip };
}

/** The deciding rule without the node and the workload's own chain: replicas of one workload share their group. */
function ruleIdentity(rule: ChainRuleRef | undefined): string {
  if (!rule) return '';
  const { owner } = rule;
  if (owner?.workload) return `${owner.plugin} ${owner.role} ${owner.tier ?? ''}`;
  return `${rule.table} ${rule.text}`;
}

function policyLabels(drop: Drop): readonly string[] {
  return drop.explanation.policies.map(({ kind, namespace, name }) => `${kind}/${namespace ?? ''}/${name}`).toSorted();
}

/** Works out which group a drop belongs to. */
export function dropGroupKey(drop: Drop): DropGroupKey {
  const { explanation } = drop;
  const source = groupEnd(drop.source);
  const destination = groupEnd(drop.destination);
  const policies = policyLabels(drop);
  const identity = [
    drop.cluster, source, destination, drop.protocol, drop.destinationPort ?? null, explanation.direction,
    explanation.verdict, explanation.cause, policies, ruleIdentity(explanation.chainRule),
  ]; // prettier-ignore
  const id = createHash('sha256').update(JSON.stringify(identity)).digest('base64url').slice(0, 22);
  return { id, source, destination, policies };
}
