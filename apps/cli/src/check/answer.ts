import type { ClusterState, ConnectionEnd, DirectionVerdict, Finding, PendingVerdict, PolicyRef } from '@whydrop/model';
import type { AskedVerdict, RequestTarget } from '@whydrop/policy';

/** Kinds are printed as manifests write them. */
function kindOf(kind: string): string {
  return kind === 'CalicoNetworkPolicy' ? 'NetworkPolicy' : kind;
}

function policyJson({ kind, namespace, name }: PolicyRef): object {
  return { kind: kindOf(kind), namespace, name };
}

function directionJson({ verdict, decidedBy, isolatedBy }: DirectionVerdict): object {
  return {
    verdict,
    decidedBy: decidedBy.map(({ policy, rule }) => ({ ...policyJson(policy), rule })),
    isolatedBy: isolatedBy.map(policyJson),
  };
}

function verdictJson({ verdict, direction, egress, ingress, reason }: PendingVerdict): object {
  return { verdict, direction, egress: directionJson(egress), ingress: directionJson(ingress), reason };
}

/** The most telling mistakes first. */
const TELLING = [
  'DNAT_PORT',
  'IGNORED_SECTION',
  'OR_PEERS',
  'AND_PEER',
  'LABEL_TYPO',
  'UNREACHABLE_RULE',
  'DNS_BLOCKED',
  'CLIENT_HIDDEN_BY_SNAT',
];
const SHOWN = 4;

function rank({ code }: Finding): number {
  const place = TELLING.indexOf(code);
  return place < 0 ? TELLING.length : place;
}

function findingsJson(findings: readonly Finding[]): object {
  if (findings.length === 0) return {};
  const shown = [...findings].sort((a, b) => rank(a) - rank(b)).slice(0, SHOWN);
  return {
    findings: shown.map(({ code, policy, path, sentence }) => ({
      code,
      policy: policy ? policyJson(policy) : null,
      path: path ?? null,
      sentence,
    })),
  };
}

/** One answer as it is printed. */
export function answerJson(id: unknown, verdict: AskedVerdict): object {
  const { findings, pending } = verdict;
  const later = pending ? { pending: verdictJson(pending) } : {};
  return { id, ...verdictJson(verdict), ...findingsJson(findings), ...later };
}

/** Names of pods that the manifests declare. */
export function podNames(state: ClusterState): ReadonlySet<string> {
  return new Set(state.pods.map(({ namespace, name }) => `${namespace}/${name}`));
}

/** A pod that is asked for and that no manifest declares. */
export function undeclared(
  ends: readonly (ConnectionEnd | RequestTarget)[],
  pods: ReadonlySet<string>,
): string | undefined {
  for (const end of ends) {
    if (end.kind === 'pod' && !pods.has(`${end.namespace}/${end.name}`)) return `${end.namespace}/${end.name}`;
  }
  return undefined;
}

/** The answer where an end is not known at all. */
export function unknownAnswer(id: unknown, name: string): object {
  const side = { verdict: 'unknown', decidedBy: [], isolatedBy: [] };
  const reason = `it cannot be decided: no manifest declares a pod or workload ${name}`;
  return { id, verdict: 'unknown', direction: null, egress: side, ingress: side, reason };
}
