import { Field, ObjectType } from '@nestjs/graphql';
import type { Cause, PolicyDirection } from '@whydrop/model';
import { CauseEnum, DirectionEnum } from '../enums.js';
import { ChainRule, ExplainedPolicy } from '../explanation/explanation.type.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({
  description:
    'Packets that a rule, a metric or an aggregate of flows counted as dropped: what is known without addresses.',
})
export class CountedDrop {
  @Field(() => String)
  key: string;

  @Field(() => String)
  cluster: string;

  @Field(() => String, { nullable: true })
  node: string | null;

  @Field(() => String, { description: 'What counted: counter, metric or flow-log.' })
  channel: string;

  @Field(() => CauseEnum)
  cause: Cause;

  @Field(() => DirectionEnum, { nullable: true })
  direction: PolicyDirection | null;

  @Field(() => String, {
    nullable: true,
    description: 'The workload whose policies decided, where the rule is its own.',
  })
  endpoint: string | null;

  @Field(() => DateTime)
  from: number;

  @Field(() => DateTime)
  to: number;

  @Field(() => BigIntString, { description: 'attributed + unattributed.' })
  packets: bigint;

  @Field(() => BigIntString, { description: 'Told as drops with addresses.' })
  attributed: bigint;

  @Field(() => BigIntString, { description: 'Nothing but counted.' })
  unattributed: bigint;

  @Field(() => Boolean, { description: 'A counter was reset in between: there were more.' })
  isLowerBound: boolean;

  @Field(() => [ExplainedPolicy])
  policies: ExplainedPolicy[];

  @Field(() => ChainRule, { nullable: true })
  chainRule: ChainRule | null;

  @Field(() => [String])
  assumptions: readonly string[];

  @Field(() => [String], { description: 'What is not known.' })
  missing: readonly string[];

  @Field(() => String)
  sentence: string;
}
