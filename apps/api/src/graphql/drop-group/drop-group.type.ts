import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { Basis, Cause, PolicyDirection, Verdict } from '@whydrop/model';
import { BasisEnum, CauseEnum, DirectionEnum, VerdictEnum } from '../enums.js';
import { Change } from '../explanation/change.type.js';
import { Node } from '../node.type.js';
import { connectionOf } from '../page/connection.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({ description: 'What the drops of a group have in common at one end: a workload, a node, an address.' })
export class GroupEnd {
  @Field(() => String)
  kind: string;

  @Field(() => String, { nullable: true })
  namespace: string | null;

  @Field(() => String)
  name: string;
}

@ObjectType({ description: 'A policy by its name.' })
export class PolicyName {
  @Field(() => String)
  kind: string;

  @Field(() => String, { nullable: true, description: 'Null for a cluster-wide policy.' })
  namespace: string | null;

  @Field(() => String)
  name: string;
}

@ObjectType({
  implements: () => Node,
  description:
    'Drops with the same ends, protocol, port, direction, cause and deciding rule. Totals are over all time.',
})
export class DropGroup implements Node {
  readonly __typename: 'DropGroup';

  id: string;

  @Field(() => String, { description: 'The id in filters and in the store.' })
  key: string;

  @Field(() => String)
  cluster: string;

  @Field(() => VerdictEnum)
  verdict: Verdict;

  @Field(() => CauseEnum)
  cause: Cause;

  @Field(() => DirectionEnum, { nullable: true })
  direction: PolicyDirection | null;

  @Field(() => BasisEnum)
  basis: Basis;

  @Field(() => GroupEnd)
  source: GroupEnd;

  @Field(() => GroupEnd)
  destination: GroupEnd;

  @Field(() => String)
  protocol: string;

  @Field(() => Int, { nullable: true })
  destinationPort: number | null;

  @Field(() => String, { nullable: true, description: 'Node where the verdict was given.' })
  node: string | null;

  @Field(() => [PolicyName], { description: 'Every policy that isolates or denies.' })
  policies: readonly PolicyName[];

  @Field(() => DateTime)
  firstSeenAt: number;

  @Field(() => DateTime)
  lastSeenAt: number;

  @Field(() => BigIntString)
  drops: bigint;

  @Field(() => BigIntString)
  attempts: bigint;

  @Field(() => BigIntString)
  packets: bigint;

  @Field(() => [Change], {
    description: 'What changed in the cluster just before the first of them, the latest first.',
  })
  changes: readonly Change[];

  @Field(() => [String], {
    description: 'What is not told to a token that is limited to namespaces. Empty for others.',
  })
  withheld: readonly string[];

  /** Not shown: what the resolvers load by. */
  readonly explanationId: string;
}

@ObjectType()
export class DropGroupConnection extends connectionOf(DropGroup) {}
