import { Field, InputType } from '@nestjs/graphql';
import { BooleanFilter, StringFilter, TimeRangeInput } from '../filters.js';
import { FindingKindEnum, FindingSeverityEnum } from './reconciliation.type.js';
import type { Ref } from '../ref.js';

@InputType({ description: 'All given parts must hold.' })
export class ReconciliationKindFilter {
  @Field(() => FindingKindEnum, { nullable: true })
  eq?: string | null;

  @Field(() => [FindingKindEnum], { nullable: true })
  in?: string[] | null;

  @Field(() => [FindingKindEnum], { nullable: true })
  nin?: string[] | null;
}

@InputType({ description: 'All given parts must hold.' })
export class ReconciliationSeverityFilter {
  @Field(() => FindingSeverityEnum, { nullable: true })
  eq?: string | null;

  @Field(() => [FindingSeverityEnum], { nullable: true })
  in?: string[] | null;
}

@InputType({ description: 'All given parts must hold.' })
export class ReconciliationCondition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  node?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  namespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Name of the pod.' })
  workload?: StringFilter | null;

  @Field(() => ReconciliationKindFilter, { nullable: true })
  kind?: ReconciliationKindFilter | null;

  @Field(() => ReconciliationSeverityFilter, { nullable: true })
  severity?: ReconciliationSeverityFilter | null;

  @Field(() => StringFilter, { nullable: true, description: '`namespace/name` of a policy that has a say.' })
  policy?: StringFilter | null;

  @Field(() => BooleanFilter, { nullable: true, description: 'Whether it is there still.' })
  open?: BooleanFilter | null;

  @Field(() => [ReconciliationCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<ReconciliationCondition>[] | null;

  @Field(() => [ReconciliationCondition], {
    nullable: true,
    description: 'At least one of them holds; never when empty.',
  })
  or?: Ref<ReconciliationCondition>[] | null;

  @Field(() => ReconciliationCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<ReconciliationCondition> | null;
}

@InputType({ description: 'Findings open at some time of the range; all other given parts must hold too.' })
export class ReconciliationFilter extends ReconciliationCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}
