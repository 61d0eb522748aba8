import { Field, Float, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { UserError } from '../mutation/user-error.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { AlertDimensionEnum, AlertRuleKindEnum, MeasureEnum, RuleSourceEnum, SeverityEnum } from './alert.enums.js';

@ObjectType({ description: 'What raises alerts.' })
export class AlertRule {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;

  @Field(() => AlertRuleKindEnum)
  kind: string;

  @Field(() => RuleSourceEnum)
  source: string;

  @Field(() => Boolean)
  enabled: boolean;

  @Field(() => SeverityEnum)
  severity: string;

  @Field(() => [AlertDimensionEnum], { description: 'One alert for each combination of these.' })
  groupBy: readonly string[];

  @Field(() => [String], { description: 'Who is told; empty: every enabled receiver.' })
  receivers: readonly string[];

  @Field(() => String, { description: 'The whole rule as JSON, as it could stand in a rule file.' })
  specification: string;

  @Field(() => Int)
  revision: number;

  @Field(() => String)
  updatedBy: string;

  @Field(() => DateTime)
  updatedAt: number;

  @Field(() => Int, { description: 'Alerts of it that fire.' })
  firing: number;
}

@InputType({ description: 'Which drops a rule looks at; a list needs one of its values.' })
export class AlertRuleFilterInput {
  @Field(() => [String], { nullable: true })
  clusters?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Of either end.' })
  namespaces?: string[] | null;

  @Field(() => [String], { nullable: true, description: '`namespace/name` of either end.' })
  workloads?: string[] | null;

  @Field(() => [String], { nullable: true, description: '`Kind/namespace/name`.' })
  policies?: string[] | null;

  @Field(() => [String], { nullable: true })
  causes?: string[] | null;

  @Field(() => [Int], { nullable: true })
  ports?: number[] | null;

  @Field(() => [String], { nullable: true })
  nodes?: string[] | null;
}

@InputType({ description: 'Noise that a rule leaves out unless told otherwise.' })
export class AlertSuppressionInput {
  @Field(() => Boolean, { nullable: true })
  icmp?: boolean | null;

  @Field(() => Boolean, { nullable: true })
  lateAfterClose?: boolean | null;

  @Field(() => Boolean, { nullable: true })
  rollout?: boolean | null;

  @Field(() => String, { nullable: true, description: 'So long after a policy changed its drops start no alert.' })
  policyChange?: string | null;
}

@InputType({ description: 'Another rule whose alerts keep this one’s from being told.' })
export class AlertInhibitionInput {
  @Field(() => String)
  rule: string;

  @Field(() => [String], { nullable: true, description: 'Labels that must be equal.' })
  equal?: string[] | null;
}

@InputType({
  description: 'Durations are texts: `90s`, `5m`, `PT1H`. Which fields a kind has is told in docs/alerting.md.',
})
export class AlertRuleInput {
  @Field(() => String)
  name: string;

  @Field(() => AlertRuleKindEnum)
  kind: string;

  @Field(() => Boolean, { nullable: true })
  enabled?: boolean | null;

  @Field(() => SeverityEnum, { nullable: true })
  severity?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Line for a pager; `{{policy}}` and other labels are filled in.',
  })
  summary?: string | null;

  @Field(() => [String], { nullable: true })
  receivers?: string[] | null;

  @Field(() => AlertRuleFilterInput, { nullable: true })
  filter?: AlertRuleFilterInput | null;

  @Field(() => [AlertDimensionEnum], { nullable: true })
  groupBy?: string[] | null;

  @Field(() => AlertSuppressionInput, { nullable: true })
  suppress?: AlertSuppressionInput | null;

  @Field(() => [AlertInhibitionInput], { nullable: true })
  inhibitedBy?: AlertInhibitionInput[] | null;

  @Field(() => String, { nullable: true })
  for?: string | null;

  @Field(() => String, { nullable: true })
  keepFiringFor?: string | null;

  @Field(() => String, { nullable: true })
  coolDown?: string | null;

  @Field(() => MeasureEnum, { nullable: true })
  measure?: string | null;

  @Field(() => Float, { nullable: true })
  threshold?: number | null;

  @Field(() => String, { nullable: true })
  window?: string | null;

  @Field(() => Float, { nullable: true })
  p?: number | null;

  @Field(() => Int, { nullable: true })
  minEvents?: number | null;

  @Field(() => Float, { nullable: true })
  minRatio?: number | null;

  @Field(() => Int, { nullable: true })
  odd?: number | null;

  @Field(() => Int, { nullable: true })
  of?: number | null;

  @Field(() => Float, { nullable: true })
  floor?: number | null;

  @Field(() => Int, { nullable: true })
  coldEvents?: number | null;

  @Field(() => Boolean, { nullable: true })
  slow?: boolean | null;

  @Field(() => String, { nullable: true })
  levelShiftAfter?: string | null;

  @Field(() => Int, { nullable: true })
  minPairs?: number | null;

  @Field(() => String, { nullable: true })
  learnFor?: string | null;

  @Field(() => [String], { nullable: true })
  findings?: string[] | null;

  @Field(() => String, { nullable: true })
  silentFor?: string | null;
}

@ObjectType()
export class AlertRulePayload {
  @Field(() => AlertRule, { nullable: true })
  alertRule: AlertRule | null;

  @Field(() => [UserError])
  userErrors: readonly UserError[];
}
