import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { Basis, Cause, EvidenceChannel, ExplainedEnd, PolicyDirection, PolicyPart, Verdict } from '@whydrop/model';
import {
  BasisEnum,
  CauseEnum,
  DirectionEnum,
  EndRoleEnum,
  EvidenceChannelEnum,
  PolicyPartEnum,
  VerdictEnum,
} from '../enums.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { IP } from '../scalars/ip.scalar.js';

@ObjectType({ description: 'A pod by its name at that time.' })
export class PodReference {
  @Field(() => String)
  namespace: string;

  @Field(() => String)
  name: string;

  @Field(() => String, { nullable: true })
  uid: string | null;
}

@ObjectType({ description: 'The controller of a pod, or the pod itself.' })
export class Workload {
  @Field(() => String)
  kind: string;

  @Field(() => String, { nullable: true })
  namespace: string | null;

  @Field(() => String)
  name: string;
}

@ObjectType({ description: 'One end of a connection as far as it was known at that time.' })
export class End {
  @Field(() => IP)
  ip: string;

  @Field(() => String, { description: 'A name to read aloud.' })
  label: string;

  @Field(() => EndRoleEnum)
  role: ExplainedEnd['role'];

  @Field(() => PodReference, { nullable: true })
  pod: PodReference | null;

  @Field(() => Workload, { nullable: true })
  workload: Workload | null;

  @Field(() => String, { nullable: true })
  node: string | null;
}

@ObjectType({ description: 'One version of one policy.' })
export class PolicyReference {
  @Field(() => String)
  kind: string;

  @Field(() => String, { nullable: true, description: 'Null for a cluster-wide policy.' })
  namespace: string | null;

  @Field(() => String)
  name: string;

  @Field(() => String, { nullable: true })
  uid: string | null;

  @Field(() => String, { nullable: true })
  resourceVersion: string | null;

  @Field(() => String, { nullable: true })
  tier: string | null;
}

@ObjectType({ description: 'A policy and what it had to do with the connection.' })
export class ExplainedPolicy extends PolicyReference {
  @Field(() => PolicyPartEnum)
  part: PolicyPart['part'];

  @Field(() => String, { nullable: true, description: 'The rule that acted, where one did: egress[2], or its name.' })
  rule: string | null;
}

@ObjectType({ description: 'A criterion of a policy rule that the connection did not meet.' })
export class FailedCriterion {
  @Field(() => String, { description: 'Kind of criterion: podSelector, namespaceSelector, ipBlock, port, …' })
  field: string;

  @Field(() => String, { description: 'Place in the policy: ingress[0].from[2].podSelector.matchLabels.app' })
  path: string;

  @Field(() => String)
  wanted: string;

  @Field(() => String)
  got: string;
}

@ObjectType({ description: 'A policy rule that did not admit the connection, and why.' })
export class RuleMiss {
  @Field(() => PolicyReference)
  policy: PolicyReference;

  @Field(() => DirectionEnum)
  direction: PolicyDirection;

  @Field(() => Int)
  rule: number;

  @Field(() => String, { description: 'The peer that came closest: ingress[0].from[2]' })
  path: string;

  @Field(() => [FailedCriterion])
  failed: readonly FailedCriterion[];
}

@ObjectType({ description: 'Who wrote a chain, and for what.' })
export class ChainOwner {
  @Field(() => String)
  plugin: string;

  @Field(() => String)
  role: string;

  @Field(() => PodReference, { nullable: true })
  workload: PodReference | null;

  @Field(() => String, { nullable: true })
  interface: string | null;

  @Field(() => DirectionEnum, { nullable: true })
  direction: PolicyDirection | null;

  @Field(() => PolicyReference, { nullable: true })
  policy: PolicyReference | null;

  @Field(() => String, { nullable: true })
  tier: string | null;

  @Field(() => Int, { nullable: true })
  policyRule: number | null;
}

@ObjectType({ description: 'A rule of the kernel.' })
export class ChainRule {
  @Field(() => String)
  node: string;

  @Field(() => String)
  table: string;

  @Field(() => String)
  chain: string;

  @Field(() => Int, { description: 'Place in the chain from 1; 0 for the policy of the chain.' })
  position: number;

  @Field(() => String, { description: 'As iptables-save prints it, without counters.' })
  text: string;

  @Field(() => ChainOwner, { nullable: true })
  owner: ChainOwner | null;
}

@ObjectType({ description: 'Where the verdict was given.' })
export class EnforcementPoint {
  @Field(() => String)
  node: string;

  @Field(() => String, { nullable: true })
  hook: string | null;

  @Field(() => String, { nullable: true })
  interface: string | null;

  @Field(() => PodReference, { nullable: true })
  workload: PodReference | null;
}

@ObjectType({ description: 'Something that was seen, and the line it was read from.' })
export class Evidence {
  @Field(() => EvidenceChannelEnum)
  channel: EvidenceChannel;

  @Field(() => String, { nullable: true })
  node: string | null;

  @Field(() => DateTime)
  observedAt: number;

  @Field(() => String, { description: 'What it shows.' })
  shows: string;

  @Field(() => String, { nullable: true })
  raw: string | null;
}

@ObjectType({ description: 'A policy mistake or surprise, with its cure.' })
export class Finding {
  @Field(() => String)
  code: string;

  @Field(() => PolicyReference, { nullable: true })
  policy: PolicyReference | null;

  @Field(() => String, { nullable: true })
  path: string | null;

  @Field(() => String)
  sentence: string;
}

@ObjectType({ description: 'A connection between two known workloads.' })
export class AdmittedPair {
  @Field(() => String, { description: 'namespace/name' })
  source: string;

  @Field(() => String, { description: 'namespace/name' })
  destination: string;

  @Field(() => String, { description: '80/TCP' })
  port: string;
}

@ObjectType({ description: 'A change of one policy or label that would admit the connection, tried out.' })
export class PolicyFix {
  @Field(() => PolicyReference, { nullable: true, description: 'Null for a change of labels or of a service.' })
  policy: PolicyReference | null;

  @Field(() => String, { description: 'YAML: a JSON patch for kubectl patch --type=json, or a new object.' })
  patch: string;

  @Field(() => String, { description: 'What it changes, and what it lets through besides.' })
  sentence: string;

  @Field(() => [AdmittedPair], { description: 'Other connections of known workloads that it would newly admit.' })
  alsoAdmits: readonly AdmittedPair[];
}

@ObjectType({ description: 'Why connections ended as they did. Drops that were decided alike share one.' })
export class Explanation {
  @Field(() => VerdictEnum)
  verdict: Verdict;

  @Field(() => CauseEnum)
  cause: Cause;

  @Field(() => String, { description: 'The cause in words.' })
  causeText: string;

  @Field(() => [CauseEnum], { description: 'What explains the surprise while the cause stays policy.' })
  contributing: readonly Cause[];

  @Field(() => DirectionEnum, { nullable: true, description: 'Null when the policy of no endpoint decided.' })
  direction: PolicyDirection | null;

  @Field(() => BasisEnum)
  basis: Basis;

  @Field(() => EnforcementPoint, { nullable: true })
  enforcementPoint: EnforcementPoint | null;

  @Field(() => [ExplainedPolicy])
  policies: readonly ExplainedPolicy[];

  @Field(() => [RuleMiss], { description: 'Rules of the isolating policies, the nearest miss first.' })
  misses: readonly RuleMiss[];

  @Field(() => ChainRule, { nullable: true, description: 'The rule that ended the packet.' })
  chainRule: ChainRule | null;

  @Field(() => ChainRule, { nullable: true, description: 'The rule that sent the packet there.' })
  via: ChainRule | null;

  @Field(() => [String])
  assumptions: readonly string[];

  @Field(() => [String], { description: 'Facts without which the rest cannot be decided.' })
  missing: readonly string[];

  @Field(() => [Finding])
  findings: readonly Finding[];

  @Field(() => [PolicyFix], {
    description: 'Changes that would admit it; all of them are needed. Empty when no policy is the cause.',
  })
  fix: readonly PolicyFix[];

  @Field(() => [String], {
    description: 'What is not told to a token that is limited to namespaces. Empty for others.',
  })
  withheld: readonly string[];
}
