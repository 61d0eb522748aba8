import { Field, InputType, ObjectType } from '@nestjs/graphql';
import type { WorkloadCondition as Condition } from '@whydrop/storage';
import { StringFilter, TimeRangeInput } from '../filters.js';
import { Node } from '../node.type.js';
import { connectionOf } from '../page/connection.js';
import type { Ref } from '../ref.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({ implements: () => Node, description: 'A workload that was an end of blocked connections.' })
export class BlockedWorkload implements Node {
  readonly __typename: 'BlockedWorkload';

  id: string;

  @Field(() => String)
  cluster: string;

  @Field(() => String)
  kind: string;

  @Field(() => String, { nullable: true })
  namespace: string | null;

  @Field(() => String)
  name: string;

  @Field(() => BigInt, { description: 'Drops of its own connections, over all that is kept.' })
  dropsTo: bigint;

  @Field(() => BigInt, { description: 'Drops of connections to it, over all that is kept.' })
  dropsFrom: bigint;

  @Field(() => DateTime)
  lastSeenAt: number;
}

@ObjectType()
export class BlockedWorkloadConnection extends connectionOf(BlockedWorkload) {}

@InputType({ description: 'All given parts must hold.' })
export class WorkloadCondition implements Condition {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  kind?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  namespace?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Its name, or namespace/name.' })
  name?: StringFilter | null;

  @Field(() => [WorkloadCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<WorkloadCondition>[] | null;

  @Field(() => [WorkloadCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<WorkloadCondition>[] | null;

  @Field(() => WorkloadCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<WorkloadCondition> | null;
}

@InputType({ description: 'Workloads with drops in the time range; all other given parts must hold too.' })
export class WorkloadFilter extends WorkloadCondition {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;
}
