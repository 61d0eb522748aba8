import {
  CAUSES,
  type Explanation,
  type ExplainedEnd,
  type FailedCriterion,
  type PolicyPart,
  type Protocol,
  type RuleMiss,
} from '@whydrop/model';

type Told = Omit<Explanation, 'sentence' | 'evidence'>;
type PolicyTold = Pick<Told, 'cause' | 'policies' | 'misses' | 'direction' | 'contributing'>;

/** What a sentence needs beside the explanation. */
export interface SentenceEnds {
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  readonly destinationPort: number | undefined;
  readonly protocol: Protocol;
  /** Packets the deciding rule counted around that time. */
  readonly counted: bigint | undefined;
}

function target({ destination, destinationPort, protocol }: SentenceEnds): string {
  return destinationPort === undefined
    ? `${destination.label} (${protocol})`
    : `${destination.label}:${destinationPort}/${protocol}`;
}

const VERBS: Readonly<Record<Explanation['verdict'], string>> = {
  dropped: 'was dropped',
  rejected: 'was rejected',
  failed: 'failed',
  unknown: 'got no answer',
  allowed: 'was allowed',
};

function place(told: Told, ends: SentenceEnds): string {
  const point = told.enforcementPoint;
  if (!point) return '';
  const end = told.direction === 'egress' ? ends.source : ends.destination;
  const at = told.direction === null ? '' : ` on ${told.direction} at ${end.label}`;
  return point.node === '' ? at : `${at} (node ${point.node})`;
}

function policyName(policy: PolicyPart): string {
  const name = policy.namespace === null ? policy.name : `${policy.namespace}/${policy.name}`;
  return policy.kind === 'NetworkPolicy' || policy.kind === 'Policy' ? name : `${policy.kind} ${name}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function subjectOf(told: PolicyTold, ends: SentenceEnds, failure: FailedCriterion): string {
  const ofPeer = failure.field !== 'port' && failure.field !== 'namedPort' && failure.field !== 'protocol';
  if (!ofPeer) return 'the connection';
  const peer = told.direction === 'egress' ? ends.destination : ends.source;
  return told.direction === 'egress' || peer.role !== 'pod' ? peer.label : 'the client';
}

/** What the connection has, as the second half of "wants X, …". */
function owned(failure: FailedCriterion, told: PolicyTold, ends: SentenceEnds): string {
  const subject = subjectOf(told, ends, failure);
  const namespace = /^namespace (\S+?)(?::? (.+))?$/.exec(failure.got);
  if (failure.field === 'namespaceSelector' && namespace)
    return `${subject} is in namespace ${namespace[1]}${namespace[2] ? ` (${namespace[2]})` : ''}`;
  const noPod = /^address (\S+), which is no pod$/.exec(failure.got);
  if (noPod) return `${noPod[1]} is no pod`;
  // "web-0 (10.244.1.10)": the criterion is about the address.
  const address = /^(.+) \(([0-9a-f.:]+)\)$/.exec(failure.got);
  if (address) return `${address[1]} has address ${address[2]}`;
  // Some criteria name their subject themselves: "node cent333 has address …".
  return failure.got.includes(' has ') ? failure.got : `${subject} has ${failure.got}`;
}

/** A clause that goes into parentheses has none of its own. */
function flat(clause: string): string {
  return clause.replace(/ \((.*)\)$/, ', $1');
}

function closest(miss: RuleMiss, told: PolicyTold, ends: SentenceEnds, ofSeveral: boolean): string {
  // With another protocol its ports say nothing more.
  const other = miss.failed.some((failure) => failure.field === 'protocol');
  const telling = miss.failed.filter((failure) => !other || failure.field !== 'port');
  const [only, ...others] = telling;
  const failures =
    only && others.length === 0
      ? `${only.wanted}, ${owned(only, told, ends)}`
      : listed(telling.map((failure) => `${failure.wanted} (${flat(owned(failure, told, ends))})`));
  const name = ofSeveral ? `${miss.path} of ${policyName({ ...miss.policy, part: 'isolates' })}` : miss.path;
  return `${name}, wants ${failures}`;
}

/** "Rule egress[2] of GlobalNetworkPolicy no-internet denies it." */
function deniedBy(denies: readonly PolicyPart[]): string {
  const [only, ...others] = denies;
  if (only?.rule !== undefined && others.length === 0) return ` Rule ${only.rule} of ${policyName(only)} denies it.`;
  const names = denies.map(policyName);
  return others.length > 0 ? ` Policies ${listed(names)} deny it.` : ` Policy ${listed(names)} denies it.`;
}

/** What the policies have to do with it, as sentences with a space in front; empty when they have nothing. */
export function policySentence(told: PolicyTold, ends: SentenceEnds): string {
  const denies = told.policies.filter((policy) => policy.part === 'denies');
  if (denies.length > 0) return deniedBy(denies);
  const isolates = told.policies.filter((policy) => policy.part === 'isolates').map(policyName);
  if (isolates.length === 0) return '';
  const many = isolates.length > 1;
  const head = ` ${many ? 'Policies' : 'Policy'} ${listed(isolates)} ${many ? 'isolate' : 'isolates'} it`;
  const nearest = told.misses[0];
  const exempt = told.contributing.includes('HAIRPIN') || told.contributing.includes('NODE_TO_POD');
  // Where the policies admit what the node dropped, none of their rules is missing.
  if (!nearest && (exempt || told.cause !== 'POLICY_DEFAULT_DENY')) return `${head}.`;
  if (!nearest) return `${head} and ${many ? 'have' : 'has'} no rule for ${told.direction ?? 'this direction'}.`;
  return `${head}; ${many ? 'the' : 'its'} closest rule, ${closest(nearest, told, ends, many)}.`;
}

function ruleSentence(told: Told, ends: SentenceEnds): string {
  const rule = told.chainRule;
  if (!rule) return '';
  const name =
    rule.position === 0 ? `The policy of chain ${rule.chain}` : `Rule ${rule.position} of chain ${rule.chain}`;
  if (ends.counted !== undefined)
    return ` ${name} counted ${ends.counted} packet${ends.counted === 1n ? '' : 's'} then.`;
  return ` ${name} ended it.`;
}

function causeSentence(told: Told): string {
  const policy = told.cause === 'POLICY_DEFAULT_DENY' || told.cause === 'POLICY_EXPLICIT_DENY';
  if (policy || told.cause === 'UNDECIDED') return '';
  return ` ${told.cause}: ${CAUSES[told.cause]}.`;
}

function contributingSentence(told: Told): string {
  return told.contributing.map((code) => ` ${code}: ${CAUSES[code]}.`).join('');
}

function missingSentence(told: Told): string {
  if (told.missing.length === 0) return '';
  const intro = told.cause === 'UNDECIDED' ? 'It cannot be decided without' : 'Not known:';
  return ` ${intro} ${listed(told.missing)}.`;
}

/** One sentence (or a few) that a person can read aloud: what, where, by which policy and rule, and why. */
export function sentenceOf(told: Told, ends: SentenceEnds): string {
  const head = `${ends.source.label} -> ${target(ends)} ${VERBS[told.verdict]}${place(told, ends)}.`;
  return [
    head,
    causeSentence(told),
    policySentence(told, ends),
    contributingSentence(told),
    ruleSentence(told, ends),
    missingSentence(told),
  ].join('');
}
