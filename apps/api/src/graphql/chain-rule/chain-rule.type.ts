import { Field, InputType, Int, ObjectType } from '@nestjs/graphql';
import { IntFilter, StringFilter } from '../filters.js';
import { connectionOf } from '../page/connection.js';
import type { Ref } from '../ref.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({ description: 'A rule that a node runs, as its last snapshot had it.' })
export class NodeRule {
  @Field(() => String)
  cluster: string;

  @Field(() => String)
  node: string;

  @Field(() => String, { description: 'inet or inet6.' })
  family: string;

  @Field(() => String, { description: 'nft or legacy: iptables on top of either; nftables: native tables.' })
  backend: string;

  @Field(() => DateTime, { description: 'When the snapshot was taken.' })
  observedAt: number;

  @Field(() => String)
  table: string;

  @Field(() => String)
  chain: string;

  @Field(() => Int, { nullable: true, description: 'From 1; null for the policy of the chain.' })
  position: number | null;

  @Field(() => String, { description: 'As iptables-save prints it from -A on, without counters.' })
  text: string;

  @Field(() => String, { nullable: true })
  target: string | null;

  @Field(() => [String])
  comments: readonly string[];

  @Field(() => BigInt, { nullable: true, description: 'Null when the snapshot has no counters.' })
  packets: bigint | null;

  @Field(() => BigInt, { nullable: true })
  bytes: bigint | null;
}

@ObjectType()
export class NodeRuleConnection extends connectionOf(NodeRule) {}

@InputType({ description: 'All given parts must hold.' })
export class ChainRuleCondition {
  @Field(() => StringFilter, { nullable: true })
  table?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  chain?: StringFilter | null;

  @Field(() => IntFilter, { nullable: true, description: 'Null for the policy of the chain.' })
  position?: IntFilter | null;

  @Field(() => StringFilter, { nullable: true })
  text?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  target?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true, description: 'Any of its comments.' })
  comment?: StringFilter | null;

  @Field(() => [ChainRuleCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<ChainRuleCondition>[] | null;

  @Field(() => [ChainRuleCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<ChainRuleCondition>[] | null;

  @Field(() => ChainRuleCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<ChainRuleCondition> | null;
}

@InputType({
  description:
    'All given parts must hold. `table` and `chain` are plain texts here; inside and, or, not they are filters.',
})
export class ChainRuleFilter {
  @Field(() => String)
  cluster: string;

  @Field(() => [String], { description: 'Names of 1 to 20 nodes.' })
  nodes: string[];

  @Field(() => DateTime, { nullable: true, description: 'The last snapshots before then; now when absent.' })
  at?: number | null;

  @Field(() => String, { nullable: true })
  table?: string | null;

  @Field(() => String, { nullable: true })
  chain?: string | null;

  @Field(() => String, { nullable: true, description: 'Part of the text.' })
  contains?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Only rules and policies that drop or reject.' })
  drops?: boolean | null;

  @Field(() => [ChainRuleCondition], { nullable: true, description: 'All of them hold.' })
  and?: Ref<ChainRuleCondition>[] | null;

  @Field(() => [ChainRuleCondition], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<ChainRuleCondition>[] | null;

  @Field(() => ChainRuleCondition, { nullable: true, description: 'It does not hold.' })
  not?: Ref<ChainRuleCondition> | null;
}
