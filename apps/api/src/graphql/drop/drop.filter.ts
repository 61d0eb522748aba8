import { Field, InputType, registerEnumType } from '@nestjs/graphql';
import type { DropCondition as Condition } from '@whydrop/storage';
import {
  AddressFilter,
  BasisFilter,
  CauseFilter,
  DirectionFilter,
  IntFilter,
  StringFilter,
  TimeRangeInput,
  VerdictFilter,
} from '../filters.js';
import { OrderDirection } from '../page/order.js';
import type { Ref } from '../ref.js';

type Enum = InstanceType<typeof VerdictFilter>;

/** What drops and drop groups are filtered by alike. */
@InputType({ isAbstract: true })
export abstract class ExplainedCondition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Of either end.' })
  namespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  sourceNamespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  destinationNamespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Of either end: its name, or namespace/name.' })
  workload?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  sourceWorkload?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  destinationWorkload?: StringFilter | null;

  @Field(() => StringFilter, {
    nullable: true,
    description: 'Any policy of the explanation: name, namespace/name or kind/namespace/name.',
  })
  policy?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Kind of any policy of the explanation: NetworkPolicy.' })
  policyKind?: StringFilter | null;

  @Field(() => IntFilter, { nullable: true, description: 'Destination port as the deciding rule saw it.' })
  port?: IntFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'TCP, UDP, SCTP, ICMP, … or its number.' })
  protocol?: StringFilter | null;

  @Field(() => CauseFilter, { nullable: true })
  cause?: Enum | null;

  @Field(() => VerdictFilter, {
    nullable: true,
    description: 'DROPPED and REJECTED when no part of the filter asks for verdicts.',
  })
  verdict?: Enum | null;

  @Field(() => DirectionFilter, { nullable: true })
  direction?: Enum | null;

  @Field(() => BasisFilter, { nullable: true })
  basis?: Enum | null;

  @Field(() => StringFilter, { nullable: true, description: 'Node where the verdict was given.' })
  node?: StringFilter | null;
}

@InputType({ description: 'All given parts must hold.' })
export class DropCondition extends ExplainedCondition {
  @Field(() => StringFilter, { nullable: true, description: 'Key of the drop group.' })
  group?: StringFilter | null;

  @Field(() => AddressFilter, { nullable: true, description: 'Of either end.' })
  address?: AddressFilter | null;

  @Field(() => AddressFilter, { nullable: true })
  sourceAddress?: AddressFilter | null;

  @Field(() => AddressFilter, { nullable: true })
  destinationAddress?: AddressFilter | null;

  @Field(() => StringFilter, { nullable: true })
  sentence?: StringFilter | null;

  @Field(() => [DropCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<DropCondition>[] | null;

  @Field(() => [DropCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<DropCondition>[] | null;

  @Field(() => DropCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<DropCondition> | null;
}

@InputType({ description: 'Drops first seen in the time range; all other given parts must hold too.' })
export class DropFilter extends DropCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}

const DropOrderField = { FIRST_SEEN: 'FIRST_SEEN' } as const;
registerEnumType(DropOrderField, { name: 'DropOrderField' });

@InputType()
export class DropOrder {
  @Field(() => DropOrderField, { defaultValue: 'FIRST_SEEN' })
  field: 'FIRST_SEEN';

  @Field(() => OrderDirection, { defaultValue: 'DESC' })
  direction: OrderDirection;
}

interface HasVerdict {
  readonly verdict?: unknown;
  readonly and?: readonly HasVerdict[] | null;
  readonly or?: readonly HasVerdict[] | null;
  readonly not?: HasVerdict | null;
}

function asksForVerdict(condition: HasVerdict): boolean {
  if (condition.verdict) return true;
  const parts = [...(condition.and ?? []), ...(condition.or ?? []), ...(condition.not ? [condition.not] : [])];
  return parts.some(asksForVerdict);
}

/** The filter as it is meant: without a word on verdicts, what no rule stopped is left out. */
export function withDefaultVerdicts<T extends Condition>(condition: T): T {
  return asksForVerdict(condition) ? condition : { ...condition, verdict: { in: ['dropped', 'rejected'] } };
}
