import { Field, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import type { Cause } from '@whydrop/model';
import type { ConservationBy } from '@whydrop/storage';
import { CauseEnum } from '../enums.js';
import { ChainRule, ExplainedPolicy } from '../explanation/explanation.type.js';
import { connectionOf } from '../page/connection.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { DateTime } from '../scalars/date-time.scalar.js';

export const ConservationByEnum = {
  RULE: 'rule',
  POLICY: 'policy',
  NODE: 'node',
  CLUSTER: 'cluster',
} as const satisfies Record<string, ConservationBy>;
registerEnumType(ConservationByEnum, { name: 'ConservationBy', description: 'What is added up together.' });

@ObjectType({ isAbstract: true })
class ConservedPackets {
  @Field(() => BigIntString, { description: 'attributed + countedOnly + unexplained.' })
  packets: bigint;

  @Field(() => BigIntString, { description: 'Told as drops.' })
  attributed: bigint;

  @Field(() => BigIntString, { description: 'Everything is known of them but their addresses.' })
  countedOnly: bigint;

  @Field(() => BigIntString, { description: 'Counted, and nothing says what they were.' })
  unexplained: bigint;

  @Field(() => BigIntString, { description: 'Told as drops beyond what was counted: one of the two is wrong.' })
  excess: bigint;

  @Field(() => Boolean, { description: 'Something of the counter was lost in between: there were more.' })
  isLowerBound: boolean;

  @Field(() => DateTime)
  from: number;

  @Field(() => DateTime)
  to: number;
}

@ObjectType({ description: 'What a drop rule counted between two looks at it, and how much of it is told.' })
export class CounterWindow extends ConservedPackets {
  @Field(() => String)
  key: string;

  @Field(() => String)
  cluster: string;

  @Field(() => String)
  node: string;

  @Field(() => CauseEnum)
  cause: Cause;

  @Field(() => ChainRule, { nullable: true })
  chainRule: ChainRule | null;

  @Field(() => [ExplainedPolicy])
  policies: ExplainedPolicy[];

  @Field(() => [String], { description: 'What was not counted, and what is not known of what was.' })
  missing: readonly string[];

  @Field(() => String)
  sentence: string;
}

@ObjectType({ description: 'Windows of a rule, policy, node or cluster, added up.' })
export class ConservationTotal extends ConservedPackets {
  @Field(() => String)
  cluster: string;

  @Field(() => String, { description: '`namespace/name` of a policy, name of a node or cluster, id of a rule.' })
  key: string;

  @Field(() => String, { nullable: true })
  node: string | null;

  @Field(() => ChainRule, { nullable: true, description: 'As it was last, where rules are added up.' })
  chainRule: ChainRule | null;

  @Field(() => [ExplainedPolicy], { description: 'Of the rule, where rules are added up.' })
  policies: ExplainedPolicy[];

  @Field(() => Int)
  windows: number;

  @Field(() => String, { nullable: true, description: 'Of the rule, where rules are added up.' })
  sentence: string | null;
}

@ObjectType()
export class CounterWindowConnection extends connectionOf(CounterWindow) {}
