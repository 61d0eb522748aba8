import type {
  Cause,
  DirectionVerdict,
  Finding,
  PolicyDirection,
  PolicyHit,
  PolicyPart,
  PolicyRef,
} from '@whydrop/model';
import type { RuleOwner } from '@whydrop/ruleset';
import { agentRestart } from './host-rung.js';
import { type ClusterView, connectionEnd } from './view.js';
import { type Case, policyQuery } from './case.js';
import type { Draft } from './draft.js';

/** How long a plugin may take to follow a change, in µs. */
export const SETTLE = 30_000_000;

type PolicyFacts = Pick<
  Draft,
  'cause' | 'policies' | 'misses' | 'contributing' | 'evidence' | 'assumptions' | 'missing' | 'findings'
>;

/** Whether two references name one policy, whatever revision they saw. */
export function samePolicy(a: PolicyRef, b: PolicyRef): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function ruleName({ path, ruleName: name }: PolicyHit): string {
  return name === undefined ? path : `${path} "${name}"`;
}

/** Policies of a denied direction: those whose rule denies, and all that isolate. */
export function partsOf(side: DirectionVerdict): readonly PolicyPart[] {
  const denies = side.decidedBy
    .filter((hit) => hit.action === 'deny')
    .map((hit): PolicyPart => ({ ...hit.policy, part: 'denies', rule: ruleName(hit) }));
  const isolates = side.isolatedBy.filter((ref) => !denies.some((deny) => samePolicy(deny, ref)));
  return [...denies, ...isolates.map((ref): PolicyPart => ({ ...ref, part: 'isolates' }))];
}

/** Another node's address at a port that a service publishes on nodes: who stands behind it, only that node knows. */
function hiddenBehind({ judgedSource, destination, tuple, view, attempt }: Case): string | undefined {
  const { role, node } = judgedSource;
  if (role !== 'node' || node === undefined || node === destination.node || !destination.pod) return undefined;
  // Its own conntrack shows the connection as the node's own.
  if (attempt.flows.some((witness) => witness.node === node && witness.flow.original.source === tuple.source))
    return undefined;
  const published = view.state.services.some(
    (service) =>
      service.externalTrafficPolicy !== 'Local' &&
      (service.type === 'NodePort' || service.type === 'LoadBalancer') &&
      view.state.backends.some(
        (backend) =>
          backend.namespace === service.namespace &&
          backend.service === service.name &&
          backend.ip === tuple.destination &&
          backend.ports.some((one) => one.port === tuple.destinationPort && one.protocol === tuple.protocol),
      ),
  );
  return published ? node : undefined;
}

function hiddenClient(subject: Case): readonly string[] {
  const node = subject.translatedSource === undefined ? hiddenBehind(subject) : undefined;
  return node === undefined
    ? []
    : [
        `the client behind node ${node}: its conntrack of that time was not seen, or it was a process of that node itself`,
      ];
}

/** Codes that explain the surprise while the cause stays policy. */
function contributingCodes(subject: Case): readonly Cause[] {
  const { original, tuple, source, judgedSource, destination, view } = subject;
  const codes: Cause[] = [];
  const hairpin = source.pod !== undefined && source.ip === destination.ip;
  if (hairpin) codes.push('HAIRPIN');
  else if (subject.translatedSource !== undefined || hiddenBehind(subject)) codes.push('CLIENT_HIDDEN_BY_SNAT');
  if (original?.destinationPort !== undefined && original.destinationPort !== tuple.destinationPort) {
    const asWritten = view.engine.verdict(policyQuery(subject, original.destinationPort));
    if (asWritten === 'allowed') codes.push('DNAT_PORT');
  }
  const ownNode =
    judgedSource.role === 'node' && judgedSource.node !== undefined && judgedSource.node === destination.node;
  if (ownNode && !hairpin) codes.push('NODE_TO_POD');
  // "Fragmentation needed" that is not let through: the sender never learns that its packets are too large.
  if (tuple.icmp?.type === 3 && tuple.icmp.code === 4) codes.push('MTU');
  return codes;
}

/** The evaluation denies, as the datapath did: all isolating policies, and what each rule wanted. */
function denied(subject: Case, side: DirectionVerdict): PolicyFacts {
  const explicit = side.decidedBy.some((hit) => hit.action === 'deny');
  return {
    cause: explicit ? 'POLICY_EXPLICIT_DENY' : 'POLICY_DEFAULT_DENY',
    policies: partsOf(side),
    misses: side.misses,
    contributing: contributingCodes(subject),
    assumptions: side.assumptions,
    missing: hiddenClient(subject),
    findings: subject.policies.findings,
  };
}

/** What policies know both ends by: labels of the pods and of their namespaces. */
function identities({ judgedSource, destination }: Case, view: ClusterView): string {
  const ends = [judgedSource, destination].map(({ pod }) => {
    const labels = pod && view.pod(pod.namespace, pod.name)?.labels;
    const namespace = view.state.namespaces.find(({ name }) => name === pod?.namespace);
    return [labels, namespace?.labels].map((each) =>
      Object.entries(each ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
  return JSON.stringify(ends);
}

/** Was the verdict another one shortly before? Then the node was still living in that moment. */
function lagging(subject: Case, direction: PolicyDirection): Cause | undefined {
  const { attempt, surroundings, destination, source } = subject;
  const before = surroundings.history.at(attempt.firstSeenAt - SETTLE);
  const pod = direction === 'ingress' ? destination.pod : source.pod;
  if (!pod) return undefined;
  const known = before.pod(pod.namespace, pod.name);
  if (!known || known.ips.length === 0) return 'PROGRAMMING_RACE';
  if (before.engine.evaluate(policyQuery(subject))[direction].verdict !== 'denied') return undefined;
  // A pod that was not there then got no other labels: the nodes had not heard of it yet.
  const ends = [subject.judgedSource.pod, subject.destination.pod];
  if (ends.some((end) => end && !before.pod(end.namespace, end.name))) return 'PROGRAMMING_RACE';
  const same = identities(subject, before) === identities(subject, subject.view);
  return same ? 'PROGRAMMING_RACE' : 'IDENTITY_LAG';
}

/** Whether policies denied it so long ago already that the nodes must have heard of it. */
export function wasDenied(subject: Case, direction: PolicyDirection): boolean {
  const before = subject.surroundings.history.at(subject.attempt.firstSeenAt - SETTLE);
  return before.engine.evaluate(policyQuery(subject))[direction].verdict === 'denied';
}

function nodeDeniesFinding(subject: Case, direction: PolicyDirection): Finding {
  const sentence =
    `The policies in force allow this on ${direction}, yet the node dropped it: ` +
    `compare what the node runs with what is written, and look at the plugin's log on that node.`;
  return { code: 'INTENT_ALLOWS_NODE_DROPS', policy: undefined, path: undefined, sentence };
}

/** Connections that the API always allows and some plugins judge all the same: a pod to itself, a node to its own pod. */
function exempt(subject: Case, direction: PolicyDirection): PolicyFacts | undefined {
  const codes = contributingCodes(subject).filter((code) => code === 'HAIRPIN' || code === 'NODE_TO_POD');
  const end = connectionEnd(direction === 'ingress' ? subject.destination : subject.judgedSource);
  const isolators = codes.length === 0 ? [] : subject.view.engine.isolators(end, direction);
  if (isolators.length === 0) return undefined;
  const what = codes.includes('HAIRPIN') ? 'a pod always reaches itself' : 'a node always reaches its own pods';
  const sentence = `By the API ${what}; this plugin judged it by the policies of the pod: admit it there, or go around the service.`;
  return {
    cause: 'POLICY_DEFAULT_DENY',
    policies: isolators.map((ref): PolicyPart => ({ ...ref, part: 'isolates' })),
    contributing: codes,
    findings: [{ code: 'PLUGIN_DEVIATION', policy: undefined, path: undefined, sentence }],
  };
}

/** A policy chain dropped what the policies in force allow. */
function allowed(
  subject: Case,
  direction: PolicyDirection,
  side: DirectionVerdict,
  owner: RuleOwner | undefined,
): PolicyFacts {
  const deviation = exempt(subject, direction);
  if (deviation) return deviation;
  const isolated = side.isolatedBy.length > 0;
  const asked = owner?.policies ?? [];
  const unknown = asked.filter((ref) => ref.uid === undefined);
  const findings = [nodeDeniesFinding(subject, direction), ...subject.policies.findings];
  if (!isolated && unknown.length > 0) {
    const missing = unknown.map(
      (ref) => `the object of ${ref.kind} ${ref.namespace ? `${ref.namespace}/` : ''}${ref.name} as of then`,
    );
    const isolates = asked.map((ref): PolicyPart => ({ ...ref, part: 'isolates' }));
    return { cause: 'POLICY_DEFAULT_DENY', policies: isolates, missing, assumptions: side.assumptions };
  }
  const node = direction === 'ingress' ? subject.destination.node : subject.judgedSource.node;
  const restart = agentRestart(subject, node);
  const lag = restart?.cause ?? lagging(subject, direction);
  const cause = lag ?? (isolated ? 'STALE_DATAPLANE' : 'POSTURE_WITHOUT_POLICY');
  const policies = side.isolatedBy.map((ref): PolicyPart => ({ ...ref, part: 'isolates' }));
  const evidence = restart ? [restart.item] : [];
  return { cause, policies, misses: [], evidence, assumptions: side.assumptions, missing: [], findings };
}

/**
 * What the policies in force say about a drop that a policy chain made, in one direction: the same (then they are
 * named with all their misses), or something else (then it is a control-plane cause and a finding).
 */
export function policyFacts(subject: Case, direction: PolicyDirection, owner: RuleOwner | undefined): PolicyFacts {
  const side = subject.policies[direction];
  switch (side.verdict) {
    case 'denied':
      return denied(subject, side);
    case 'allowed':
      return allowed(subject, direction, side, owner);
    case 'unknown':
      return {
        cause: 'POLICY_DEFAULT_DENY',
        policies: partsOf(side),
        misses: side.misses,
        contributing: contributingCodes(subject),
        assumptions: side.assumptions,
        missing: side.missing,
        findings: subject.policies.findings,
      };
    default:
      return side.verdict satisfies never;
  }
}

/** The side whose policies deny, for a rule that does not say for which side it stands. */
export function deniedSide(subject: Case): PolicyDirection | undefined {
  if (subject.policies.egress.verdict === 'denied') return 'egress';
  return subject.policies.ingress.verdict === 'denied' ? 'ingress' : undefined;
}
