import type {
  Cause,
  EvidenceItem,
  FlowVerdictObservation,
  NamedPolicy,
  PolicyDirection,
  PolicyPart,
} from '@whydrop/model';
import type { Case } from './case.js';
import { flowItem, flowPictures } from './conntrack-evidence.js';
import { ALLOWED, type Decision, type Draft } from './draft.js';
import { deniedSide, policyFacts } from './policy-rung.js';
import { decidingRule } from './ruleset-walk.js';
import type { VerdictWitness } from './witness.js';

function item({ node, verdict }: VerdictWitness): EvidenceItem {
  const reason = verdict.reason === undefined ? '' : ` (${verdict.reason})`;
  const shows = `${verdict.emitter} logged it as ${verdict.verdict}${reason}`;
  return { channel: 'flow-log', node: verdict.node ?? node, observedAt: verdict.observedAt, shows, raw: verdict.raw };
}

/** A policy that the record names, with the version that was in force when the cluster's objects are known. */
function part(subject: Case, named: NamedPolicy): PolicyPart {
  const known = [...subject.policies.egress.isolatedBy, ...subject.policies.ingress.isolatedBy].find(
    (ref) => ref.name === named.name && ref.namespace === named.namespace,
  );
  return {
    kind: named.kind ?? known?.kind ?? 'policy',
    namespace: named.namespace,
    name: named.name,
    uid: named.uid ?? known?.uid,
    resourceVersion: known?.resourceVersion,
    tier: named.tier ?? known?.tier,
    part: named.part === 'rule' ? 'denies' : 'isolates',
  };
}

function directionOf(subject: Case, { verdict }: VerdictWitness): PolicyDirection | undefined {
  if (verdict.direction) return verdict.direction;
  return deniedSide(subject);
}

/** Reasons of the emitters' own that name another cause than policy. */
const CAUSE_OF_REASON: readonly (readonly [RegExp, Cause])[] = [
  [/route|nexthop|no_?dest|unroutable/i, 'NO_ROUTE'],
  [/rpf|spoof|invalid source/i, 'RP_FILTER'],
  [/limit/i, 'RATE_OR_CONN_LIMIT'],
  [/service backend|no endpoint/i, 'NO_ENDPOINTS'],
  [/ct_|conntrack|invalid/i, 'CT_INVALID'],
];

function otherCause({ reason = '' }: FlowVerdictObservation): Cause {
  return CAUSE_OF_REASON.find(([pattern]) => pattern.test(reason))?.[1] ?? 'UNDECIDED';
}

function byPolicy(subject: Case, witness: VerdictWitness): Partial<Draft> & Pick<Draft, 'cause' | 'direction'> {
  const { verdict } = witness;
  const acted = verdict.policies.filter((policy) => policy.part !== 'staged' && policy.action !== 'allow');
  const named = acted.map((policy) => part(subject, policy));
  const direction = directionOf(subject, witness);
  const facts = direction && policyFacts(subject, direction, undefined);
  const explicit = verdict.denial === 'explicit' || named.some((policy) => policy.part === 'denies');
  if (facts && subject.policies[direction].verdict === 'denied') {
    return { ...facts, direction, policies: explicit && named.length > 0 ? named : (facts.policies ?? named) };
  }
  if (subject.source.ip === subject.destination.ip && named.length === 0)
    return { ...policyFacts(subject, 'ingress', undefined), direction: 'ingress' };
  const cause = explicit ? 'POLICY_EXPLICIT_DENY' : 'POLICY_DEFAULT_DENY';
  const missing = named.length > 0 ? [] : ['the policies of the endpoint as of then'];
  return { cause, direction: direction ?? null, policies: named, missing };
}

/** The plugin itself logged what became of the flow: its word is the verdict, the policies give the reason. */
export function loggedVerdict(subject: Case): Decision {
  const { verdicts } = subject.attempt;
  const denied = verdicts.find(({ verdict }) => verdict.verdict === 'dropped' || verdict.verdict === 'rejected');
  if (!denied) return ALLOWED;
  const { verdict } = denied;
  const decided =
    verdict.denial === 'other' ? { cause: otherCause(verdict), direction: null } : byPolicy(subject, denied);
  const node = verdict.node ?? denied.node;
  const missing =
    decided.cause === 'UNDECIDED' ? [`what ${verdict.reason ?? 'the record'} means at ${verdict.emitter}`] : [];
  return {
    missing,
    ...decided,
    verdict: verdict.verdict === 'rejected' ? 'rejected' : 'dropped',
    basis: 'observed',
    enforcementPoint: { node, hook: undefined, interface: undefined, workload: undefined },
    chainRule: decidingRule(subject, node),
    evidence: [...verdicts.map(item), ...flowPictures(subject.attempt).map(flowItem)],
    packets: verdict.packets === undefined ? verdicts.length : Math.max(1, Number(verdict.packets)),
  };
}
