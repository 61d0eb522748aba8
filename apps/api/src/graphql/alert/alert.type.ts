import { Field, Float, ID, Int, ObjectType } from '@nestjs/graphql';
import { GroupEnd } from '../drop-group/drop-group.type.js';
import { connectionOf } from '../page/connection.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { AlertRuleKindEnum, AlertStateEnum, SeverityEnum } from './alert.enums.js';

@ObjectType()
export class AlertLabel {
  @Field(() => String)
  name: string;

  @Field(() => String)
  value: string;
}

@ObjectType({ description: 'An end and how often it is behind the alert.' })
export class AlertEnd {
  @Field(() => GroupEnd)
  end: GroupEnd;

  @Field(() => Float)
  drops: number;
}

@ObjectType()
export class AlertTrendPoint {
  @Field(() => DateTime)
  from: number;

  @Field(() => Float, { nullable: true, description: 'Null: not covered, which is not zero.' })
  value: number | null;
}

@ObjectType({ description: 'What was held against the value.' })
export class AlertBaseline {
  @Field(() => String, { description: 'WARMING as long as too little is known, else READY.' })
  state: string;

  @Field(() => Int, { description: 'Minutes it was learnt from.' })
  samples: number;

  @Field(() => Float, { description: 'A minute.' })
  expected: number;

  @Field(() => Float, { description: 'Variance divided by mean: 1 for independent events.' })
  dispersion: number;

  @Field(() => Float, { description: 'A height that is reached in the normal course of a day.' })
  usualPeak: number;
}

@ObjectType({ description: 'Why nothing is told of an alert.' })
export class AlertMuted {
  @Field(() => String, { description: '`silence` or `inhibition`.' })
  by: string;

  @Field(() => ID, {
    description: 'Id of the silence, or of the alert that inhibits it; `withheld` from a token of namespaces.',
  })
  id: string;
}

@ObjectType({ description: 'Something that somebody has to know, from pending to resolved.' })
export class Alert {
  @Field(() => ID)
  id: string;

  @Field(() => String)
  rule: string;

  @Field(() => AlertRuleKindEnum)
  kind: string;

  @Field(() => AlertStateEnum)
  state: string;

  @Field(() => SeverityEnum)
  severity: string;

  @Field(() => String)
  cluster: string;

  @Field(() => [AlertLabel], { description: 'What makes it this alert and no other of its rule.' })
  labels: readonly AlertLabel[];

  @Field(() => String)
  summary: string;

  @Field(() => String, { nullable: true, description: 'The sentence of the most frequent drop group behind it.' })
  sentence: string | null;

  @Field(() => String, { nullable: true })
  cause: string | null;

  @Field(() => [String], { description: '`Kind/namespace/name`.' })
  policies: readonly string[];

  @Field(() => DateTime, { description: 'When the condition began to hold.' })
  startsAt: number;

  @Field(() => DateTime, { nullable: true, description: 'When it was believed.' })
  firedAt: number | null;

  @Field(() => DateTime, { nullable: true })
  endsAt: number | null;

  @Field(() => Float)
  value: number;

  @Field(() => Float, { nullable: true, description: 'What was usual or allowed.' })
  expected: number | null;

  @Field(() => AlertBaseline, { nullable: true })
  baseline: AlertBaseline | null;

  @Field(() => Boolean, {
    description: 'It was resolved because its level counts as usual now, not because it went away.',
  })
  levelShift: boolean;

  @Field(() => Boolean, { description: 'Receivers were told.' })
  notified: boolean;

  @Field(() => AlertMuted, { nullable: true })
  mutedBy: AlertMuted | null;

  @Field(() => [AlertEnd])
  topSources: readonly AlertEnd[];

  @Field(() => [AlertEnd])
  topDestinations: readonly AlertEnd[];

  @Field(() => [AlertTrendPoint])
  trend: readonly AlertTrendPoint[];

  @Field(() => [String], { description: 'What changed just before, the newest first.' })
  changes: readonly string[];

  @Field(() => String, { description: 'Where it is shown, below the address of Whydrop.' })
  path: string;
}

@ObjectType()
export class AlertConnection extends connectionOf(Alert) {}
