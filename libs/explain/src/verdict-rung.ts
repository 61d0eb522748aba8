import { meaningOfReason } from '@whydrop/decoders';
import type {
  EvidenceItem,
  FlowEmitter,
  FlowVerdictObservation,
  NamedPolicy,
  PolicyDirection,
  PolicyPart,
  PolicyRef,
} from '@whydrop/model';
import type { Case } from './case.js';
import { flowItem, flowPictures } from './conntrack-evidence.js';
import { ALLOWED, type Decision, type Draft } from './draft.js';
import { deniedSide, policyFacts, samePolicy } from './policy-rung.js';
import { decidingRule } from './ruleset-walk.js';
import type { VerdictWitness } from './witness.js';

/** Plugins that enforce nothing but kinds that the policy engine knows: when it allows, no policy denied. */
const KNOWN_KINDS_ONLY: ReadonlySet<FlowEmitter> = new Set([
  'calico',
  'weave-npc',
  'aws-network-policy-agent',
  'ovn-kubernetes',
]);

/** Two events of one packet (the drop and the policy's verdict on it) lie closer together than any retry, in µs. */
const SAME_PACKET = 100_000;

function item({ node, verdict }: VerdictWitness): EvidenceItem {
  const meaning = verdict.reason === undefined ? undefined : meaningOfReason(verdict.emitter, verdict.reason)?.meaning;
  const reason = [verdict.reason, meaning].filter((text) => text !== undefined).join(': ');
  const shows = `${verdict.emitter} logged it as ${verdict.verdict}${reason === '' ? '' : ` (${reason})`}`;
  const at = verdict.node ?? node;
  return {
    channel: 'flow-log',
    node: at === '' ? undefined : at,
    observedAt: verdict.observedAt,
    shows,
    raw: verdict.raw,
  };
}

/** The policy as the cluster knew it then; a record may leave out its kind and namespace, or put its tier in front. */
function knownPolicy(subject: Case, named: NamedPolicy): PolicyRef | undefined {
  const { egress, ingress } = subject.policies;
  const hits = [...egress.decidedBy, ...ingress.decidedBy].map((hit) => hit.policy);
  const fits = [...egress.isolatedBy, ...ingress.isolatedBy, ...hits].filter(
    (ref) =>
      (ref.name === named.name || ref.name === `${named.tier}.${named.name}`) &&
      (ref.namespace === named.namespace || (named.kind === undefined && named.namespace === null)) &&
      (named.kind === undefined || named.kind === ref.kind),
  );
  const [first, ...others] = fits;
  return first && others.every((ref) => samePolicy(ref, first)) ? first : undefined;
}

function partOf(named: NamedPolicy, kind: string): PolicyPart['part'] {
  if (named.action === 'pass') return 'passes';
  if (named.action === 'allow') return 'admits';
  // A Kubernetes policy has no rule that denies.
  return named.part === 'rule' && kind !== 'NetworkPolicy' ? 'denies' : 'isolates';
}

function ruleOf(named: NamedPolicy, direction: PolicyDirection | undefined): string | undefined {
  if (named.part !== 'rule') return undefined;
  const index = named.rule === undefined || direction === undefined ? undefined : `${direction}[${named.rule}]`;
  return index === undefined || named.ruleName === undefined
    ? (index ?? named.ruleName)
    : `${index} "${named.ruleName}"`;
}

/** A policy that the record names, in the version that was in force when the cluster's objects are known. */
function part(subject: Case, named: NamedPolicy, direction: PolicyDirection | undefined): PolicyPart {
  const known = knownPolicy(subject, named);
  const kind = known?.kind ?? named.kind ?? 'Policy';
  const rule = ruleOf(named, direction);
  return {
    kind,
    namespace: known ? known.namespace : named.namespace,
    name: known?.name ?? named.name,
    uid: known?.uid ?? named.uid,
    resourceVersion: known?.resourceVersion,
    tier: known?.tier ?? named.tier,
    part: partOf(named, kind),
    ...(rule === undefined ? {} : { rule }),
  };
}

function merged(first: readonly PolicyPart[], others: readonly PolicyPart[]): readonly PolicyPart[] {
  return [...first, ...others.filter((other) => !first.some((known) => samePolicy(known, other)))];
}

type Reasons = Pick<Draft, 'cause' | 'direction'> & Partial<Draft>;

function ofKnownKinds(subject: Case, emitter: FlowEmitter, direction: PolicyDirection): boolean {
  const end = direction === 'ingress' ? subject.destination : subject.judgedSource;
  return KNOWN_KINDS_ONLY.has(emitter) && end.pod !== undefined;
}

/** The record blames the policies of one direction: which they are, by the record and by the policies in force. */
function inDirection(subject: Case, { verdict }: VerdictWitness, direction: PolicyDirection): Reasons {
  const acted = verdict.policies.filter((policy) => policy.part !== 'staged');
  const named = acted.map((policy) => part(subject, policy, direction));
  const facts = policyFacts(subject, direction, undefined);
  const agrees = subject.policies[direction].verdict === 'denied';
  if (named.some((policy) => policy.part === 'denies')) {
    const { contributing, assumptions, findings } = agrees ? facts : {};
    return { contributing, assumptions, findings, cause: 'POLICY_EXPLICIT_DENY', direction, policies: named };
  }
  if (agrees) return { ...facts, direction, policies: merged(facts.policies ?? [], named) };
  const known = named.every((policy) => policy.uid !== undefined);
  if (known && ofKnownKinds(subject, verdict.emitter, direction))
    return { ...facts, direction, policies: merged(facts.policies ?? [], named) };
  const end = direction === 'ingress' ? subject.destination : subject.judgedSource;
  const isolators = `the policies that isolate ${end.label} on ${direction}: ${verdict.emitter} does not name them`;
  const objects = `the objects of the policies that ${verdict.emitter} names, as of then`;
  const missing = [named.length > 0 ? objects : isolators];
  return { cause: 'POLICY_DEFAULT_DENY', direction, policies: named, missing };
}

/** No policy isolates either end in the direction of the connection. */
function isFree({ policies: { egress, ingress } }: Case): boolean {
  return [egress, ingress].every(({ verdict, isolatedBy }) => verdict === 'allowed' && isolatedBy.length === 0);
}

function byPolicy(subject: Case, witness: VerdictWitness): Reasons {
  const { verdict } = witness;
  const direction = verdict.direction ?? deniedSide(subject);
  if (direction !== undefined) return inDirection(subject, witness, direction);
  const named = verdict.policies.filter((policy) => policy.part !== 'staged');
  if (named.length === 0 && subject.source.ip === subject.destination.ip)
    return { ...policyFacts(subject, 'ingress', undefined), direction: 'ingress' };
  if (named.length === 0 && isFree(subject) && ofKnownKinds(subject, verdict.emitter, 'ingress'))
    return { ...policyFacts(subject, 'ingress', undefined), direction: null };
  const policies = named.map((policy) => part(subject, policy, undefined));
  const explicit = verdict.denial === 'explicit' || policies.some((policy) => policy.part === 'denies');
  const missing = named.length > 0 ? [] : ['the policies of both ends as of then'];
  return {
    cause: explicit ? 'POLICY_EXPLICIT_DENY' : 'POLICY_DEFAULT_DENY',
    direction: null,
    policies,
    missing,
  };
}

/** The datapath's own reason is no policy. */
function byReason({ reason, emitter }: FlowVerdictObservation): Reasons {
  const meaning = reason === undefined ? undefined : meaningOfReason(emitter, reason);
  if (meaning?.cause) return { cause: meaning.cause, direction: null };
  return { cause: 'UNDECIDED', direction: null, missing: [`what ${reason ?? 'the record'} means at ${emitter}`] };
}

/** The record says that it was dropped and not why: only the policies in force can say. */
function unsaid(subject: Case, witness: VerdictWitness): Reasons & { readonly basis?: Draft['basis'] } {
  if (witness.verdict.policies.some((policy) => policy.part !== 'staged')) return byPolicy(subject, witness);
  const direction = witness.verdict.direction ?? deniedSide(subject);
  if (direction !== undefined && subject.policies[direction].verdict === 'denied')
    return { ...policyFacts(subject, direction, undefined), direction, basis: 'derived' };
  const missing = [`why ${witness.verdict.emitter} dropped it: the record does not say, the policies allow it`];
  return { cause: 'UNDECIDED', direction: null, missing };
}

function reasons(subject: Case, witness: VerdictWitness): Reasons & { readonly basis?: Draft['basis'] } {
  if (witness.verdict.denial === 'other') return byReason(witness.verdict);
  return witness.verdict.denial === undefined ? unsaid(subject, witness) : byPolicy(subject, witness);
}

function isDenied({ verdict }: VerdictWitness): boolean {
  return verdict.verdict === 'dropped' || verdict.verdict === 'rejected';
}

function countOf({ packets, connections }: FlowVerdictObservation): number {
  return Number(packets ?? connections ?? 1n);
}

/**
 * Packets that the records of one attempt count. A flow table repeats its running totals; Cilium prints up to two events
 * for one packet; all others count what is new. What the other end reported is the same packets again.
 */
function packetsOf(attempt: Case['attempt'], { verdict: first }: VerdictWitness): number {
  const counted = attempt.verdicts
    .filter((witness) => isDenied(witness))
    .map(({ verdict }) => verdict)
    .filter(({ emitter, direction }) => emitter === first.emitter && direction === first.direction);
  if (first.emitter === 'contrail') return Math.max(1, ...counted.map(countOf));
  const events = counted.filter(
    ({ observedAt }, at) =>
      first.emitter !== 'cilium' || observedAt - (counted[at - 1]?.observedAt ?? -Infinity) > SAME_PACKET,
  );
  return Math.max(
    1,
    events.reduce((sum, verdict) => sum + countOf(verdict), 0),
  );
}

/** The node that enforced it: as the record says, else the node of the judged endpoint. */
function placeOf(subject: Case, { verdict, node }: VerdictWitness, direction: PolicyDirection | null) {
  const said = verdict.node ?? node;
  if (said !== '') return { node: said, assumptions: [] };
  const end = direction === 'ingress' ? subject.destination : subject.judgedSource;
  if (direction === null || end.node === undefined) return { node: '', assumptions: [] };
  return { node: end.node, assumptions: [`${end.label} is judged on its own node: the record names none`] };
}

/** The plugin itself logged what became of the flow: its word is the verdict, the policies give the reason. */
export function loggedVerdict(subject: Case): Decision {
  const denials = subject.attempt.verdicts.filter(isDenied);
  const denied = denials.find(({ verdict }) => verdict.policies.length > 0) ?? denials[0];
  if (!denied) return ALLOWED;
  const decided = reasons(subject, denied);
  const { node, assumptions } = placeOf(subject, denied, decided.direction);
  return {
    basis: 'observed',
    ...decided,
    assumptions: [...(decided.assumptions ?? []), ...assumptions],
    verdict: denied.verdict.verdict === 'rejected' ? 'rejected' : 'dropped',
    enforcementPoint: { node, hook: undefined, interface: undefined, workload: undefined },
    ...decidingRule(subject, node),
    evidence: [...subject.attempt.verdicts.map(item), ...flowPictures(subject.attempt).map(flowItem)],
    packets: packetsOf(subject.attempt, denied),
  };
}
