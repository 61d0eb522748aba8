import type { Cause, PolicyPart } from '@whydrop/model';
import type { OwnerRole, RuleOwner } from '@whydrop/ruleset';
import type { Case } from './case.js';
import { counterItem, counterOfRule, counterWindow } from './counter-evidence.js';
import { flowItem, flowPictures } from './conntrack-evidence.js';
import type { Draft } from './draft.js';
import { deniedSide, policyFacts } from './policy-rung.js';
import { isMidStream, stateCause } from './state-rung.js';
import type { RuleEvidence } from './rule-evidence.js';

/** Causes that the rule itself names; roles that are not here are decided by the policies. */
const CAUSE_OF_ROLE: Readonly<Partial<Record<OwnerRole, Cause>>> = {
  'conntrack-invalid': 'CT_INVALID',
  encapsulation: 'ANTI_SPOOF_ENCAP_UNKNOWN_IF',
  'unknown-interface': 'ANTI_SPOOF_ENCAP_UNKNOWN_IF',
  'admin-disabled': 'ANTI_SPOOF_ENCAP_UNKNOWN_IF',
  'endpoint-to-host': 'OTHER_FIREWALL',
  'reverse-path': 'RP_FILTER',
  'rate-limit': 'RATE_OR_CONN_LIMIT',
  'loop-prevention': 'NO_ROUTE',
  'no-endpoints': 'NO_ENDPOINTS',
  'no-local-endpoint': 'NO_LOCAL_ENDPOINT',
  'source-range': 'LB_SOURCE_RANGE',
  unprogrammed: 'PROGRAMMING_RACE',
  isolation: 'OTHER_FIREWALL',
  firewall: 'OTHER_FIREWALL',
};

const POLICY_ROLES: ReadonlySet<OwnerRole> = new Set([
  'end-of-policies',
  'policy-deny',
  'policy',
  'policy-group',
  'end-of-profiles',
  'shared-drop',
  'workload-policies',
]);

/** The cause a rule's owner names by itself; undefined: the policies have to say. */
export function causeOfOwner(owner: RuleOwner | undefined): Cause | 'policy' {
  if (!owner) return 'OTHER_FIREWALL';
  if (POLICY_ROLES.has(owner.role)) return 'policy';
  return CAUSE_OF_ROLE[owner.role] ?? 'OTHER_FIREWALL';
}

function explicitPart(found: RuleEvidence): readonly PolicyPart[] {
  const policy = found.meaning?.kind === 'policy' ? found.meaning.policy : undefined;
  const owned = found.owner?.role === 'policy-deny' ? found.owner.policy : undefined;
  const ref = policy ?? owned;
  return ref ? [{ ...ref, part: 'denies' }] : [];
}

function policyDraft(subject: Case, found: RuleEvidence): Pick<Draft, 'cause' | 'direction'> & Partial<Draft> {
  const direction = found.direction ?? deniedSide(subject);
  if (direction === undefined) {
    const missing = ['which endpoint and direction the rule stands for'];
    return { cause: 'UNDECIDED', direction: null, missing };
  }
  const facts = midStream(subject, found, policyFacts(subject, direction, found.owner));
  const named = explicitPart(found);
  if (named.length === 0 || facts.cause === 'POLICY_EXPLICIT_DENY') return { ...facts, direction };
  return { ...facts, cause: 'POLICY_EXPLICIT_DENY', policies: named, direction };
}

/** Policies judge a packet in the middle of a connection only when its entry is not there: that it had one is not known. */
function midStream<T extends Partial<Draft>>(subject: Case, found: RuleEvidence, facts: T): T {
  if (!isMidStream(found, subject)) return facts;
  const assumption = 'the packet opens no connection; what conntrack knew of it before is not known';
  return { ...facts, assumptions: [...(facts.assumptions ?? []), assumption] };
}

/** The datapath named the rule (trace, log): its owner gives the cause, the policies the reason, its counter the number. */
export function observedDraft(subject: Case, found: RuleEvidence): Draft {
  const byOwner = found.meaning ? 'policy' : causeOfOwner(found.owner);
  const decided =
    stateCause(subject, found) ??
    (byOwner === 'policy' ? policyDraft(subject, found) : { cause: byOwner, direction: null });
  const window = counterWindow(subject.attempt, found.node, subject.surroundings, subject.view);
  const ref = found.chainRule;
  const moved = ref && found.rule ? counterOfRule(window, ref.table, ref.chain, found.rule) : undefined;
  const missing = [...(decided.missing ?? [])];
  if (!ref) missing.push(`which rule of node ${found.node} it was: its ruleset as of then does not tell`);
  return {
    ...decided,
    verdict: found.verdict,
    basis: 'observed',
    enforcementPoint: found.enforcementPoint,
    chainRule: ref,
    via: found.via,
    evidence: [
      ...found.evidence,
      ...(decided.evidence ?? []),
      ...(moved ? [counterItem(found.node, moved)] : []),
      ...flowPictures(subject.attempt).map(flowItem),
    ],
    missing,
    packets: found.packets.length,
    ...(moved ? { counted: moved.delta.packets } : {}),
  };
}
