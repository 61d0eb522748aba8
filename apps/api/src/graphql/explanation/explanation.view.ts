import { CAUSES } from '@whydrop/model';
import type {
  ChainRuleRef,
  EvidenceItem,
  ExplainedEnd,
  Finding as FoundFinding,
  PolicyFix as ProposedFix,
  PolicyPart,
  PolicyRef,
  RuleMiss as Miss,
} from '@whydrop/model';
import type { ExplanationBody } from '@whydrop/storage';
import type {
  ChainRule,
  End,
  Evidence,
  ExplainedPolicy,
  Explanation,
  Finding,
  PolicyFix,
  PodReference,
  PolicyReference,
  RuleMiss,
} from './explanation.type.js';

// What is stored was written as JSON: an undefined field is an absent one, and rows outlive versions of the model.

function podOf(workload: { readonly namespace: string; readonly pod: string } | undefined): PodReference | null {
  return workload ? { namespace: workload.namespace, name: workload.pod, uid: null } : null;
}

export function policyOf(policy: PolicyRef): PolicyReference {
  const { kind, namespace, name, uid, resourceVersion, tier } = policy;
  return {
    kind,
    namespace: namespace ?? null,
    name,
    uid: uid ?? null,
    resourceVersion: resourceVersion ?? null,
    tier: tier ?? null,
  };
}

export function ruleOf(rule: ChainRuleRef | undefined): ChainRule | null {
  if (!rule) return null;
  const { owner } = rule;
  if (!owner) return { ...rule, owner: null };
  return {
    ...rule,
    owner: {
      plugin: owner.plugin,
      role: owner.role,
      workload: podOf(owner.workload),
      interface: owner.interface ?? null,
      direction: owner.direction ?? null,
      policy: owner.policy ? policyOf(owner.policy) : null,
      tier: owner.tier ?? null,
      policyRule: owner.policyRule ?? null,
    },
  };
}

export function partOf(policy: PolicyPart): ExplainedPolicy {
  return Object.assign(policyOf(policy), { part: policy.part, rule: policy.rule ?? null });
}

export function missOf(miss: Miss): RuleMiss {
  const { direction, rule, path, failed } = miss;
  return { policy: policyOf(miss.policy), direction, rule, path, failed };
}

export function findingOf({ code, policy, path, sentence }: FoundFinding): Finding {
  return { code, policy: policy ? policyOf(policy) : null, path: path ?? null, sentence };
}

export function fixOf({ policy, patch, sentence, alsoAdmits }: ProposedFix): PolicyFix {
  return { policy: policy ? policyOf(policy) : null, patch, sentence, alsoAdmits };
}

export function endOf(end: ExplainedEnd): End {
  return {
    ip: end.ip,
    label: end.label,
    role: end.role,
    pod: end.pod ? { ...end.pod, uid: end.pod.uid ?? null } : null,
    workload: end.workload ? { ...end.workload, namespace: end.workload.namespace ?? null } : null,
    node: end.node ?? null,
  };
}

export function evidenceOf({ channel, node, observedAt, shows, raw }: EvidenceItem): Evidence {
  return { channel, node: node ?? null, observedAt, shows, raw: raw ?? null };
}

/** A stored explanation as the API shows it. */
export function explanationOf(body: ExplanationBody): Explanation {
  const point = body.enforcementPoint;
  return {
    verdict: body.verdict,
    cause: body.cause,
    causeText: CAUSES[body.cause] ?? '',
    contributing: body.contributing ?? [],
    direction: body.direction ?? null,
    basis: body.basis,
    enforcementPoint: point
      ? {
          node: point.node,
          hook: point.hook ?? null,
          interface: point.interface ?? null,
          workload: podOf(point.workload),
        }
      : null,
    policies: (body.policies ?? []).map(partOf),
    misses: [...(body.misses ?? [])].sort((a, b) => a.distance - b.distance).map(missOf),
    chainRule: ruleOf(body.chainRule),
    via: ruleOf(body.via),
    assumptions: body.assumptions ?? [],
    missing: body.missing ?? [],
    findings: (body.findings ?? []).map(findingOf),
    fix: (body.fix ?? []).map(fixOf),
    withheld: [],
  };
}
