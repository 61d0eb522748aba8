import type { ClusterState, ConnectionEnd, DirectionVerdict, Finding, PendingVerdict, PolicyRef } from '@whydrop/model';
import type { AskedVerdict, RequestTarget } from '@whydrop/policy';

/** Kinds are printed as manifests write them. */
function kindOf(kind: string): string {
  return kind === 'CalicoNetworkPolicy' ? 'NetworkPolicy' : kind;
}

function policyJson({ kind, namespace, name }: PolicyRef): object {
  return { kind: kindOf(kind), namespace, name };
}

/** Texts of what many answers have in common, by the object they are the text of. */
class Texts<T extends object> {
  private readonly known = new WeakMap<T, string>();

  constructor(private readonly write: (value: T) => string) {}

  of(value: T): string {
    const known = this.known.get(value) ?? this.write(value);
    this.known.set(value, known);
    return known;
  }
}

const isolators = new Texts<readonly PolicyRef[]>((refs) => JSON.stringify(refs.map(policyJson)));

const findingTexts = new Texts<Finding>(({ code, policy, path, sentence }) =>
  JSON.stringify({ code, policy: policy ? policyJson(policy) : null, path: path ?? null, sentence }),
);

function directionText({ verdict, decidedBy, isolatedBy }: DirectionVerdict): string {
  const hits = decidedBy.map(({ policy, rule }) => ({ ...policyJson(policy), rule }));
  return `{"verdict":"${verdict}","decidedBy":${JSON.stringify(hits)},"isolatedBy":${isolators.of(isolatedBy)}}`;
}

function verdictText({ verdict, direction, egress, ingress, reason }: PendingVerdict): string {
  const sides = `"egress":${directionText(egress)},"ingress":${directionText(ingress)}`;
  return `"verdict":"${verdict}","direction":${JSON.stringify(direction)},${sides},"reason":${JSON.stringify(reason)}`;
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

function findingsText(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const shown = [...findings].sort((a, b) => rank(a) - rank(b)).slice(0, SHOWN);
  return `,"findings":[${shown.map((finding) => findingTexts.of(finding)).join(',')}]`;
}

/** One answer as it is printed: a JSON object on one line. */
export function answerText(id: unknown, verdict: AskedVerdict): string {
  const { findings, pending } = verdict;
  const later = pending ? `,"pending":{${verdictText(pending)}}` : '';
  return `{"id":${JSON.stringify(id)},${verdictText(verdict)}${findingsText(findings)}${later}}`;
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
export function unknownAnswer(id: unknown, name: string): string {
  const side = { verdict: 'unknown', decidedBy: [], isolatedBy: [] };
  const reason = `it cannot be decided: no manifest declares a pod or workload ${name}`;
  return JSON.stringify({ id, verdict: 'unknown', direction: null, egress: side, ingress: side, reason });
}
