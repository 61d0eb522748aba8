import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { Cause, PolicyDirection, Verdict } from '@whydrop/model';
import { CauseEnum, DirectionEnum, VerdictEnum } from '../enums.js';
import { End, Evidence } from '../explanation/explanation.type.js';
import { Node } from '../node.type.js';
import { connectionOf } from '../page/connection.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { IP } from '../scalars/ip.scalar.js';

@ObjectType({ description: 'A service by its name.' })
export class ServiceReference {
  @Field(() => String)
  namespace: string;

  @Field(() => String)
  name: string;
}

@ObjectType({ description: 'What the client asked for, where it was translated before the deciding rule saw it.' })
export class OriginalDestination {
  @Field(() => IP)
  destination: string;

  @Field(() => Int, { nullable: true })
  destinationPort: number | null;

  @Field(() => ServiceReference, { nullable: true })
  service: ServiceReference | null;
}

@ObjectType({
  implements: () => Node,
  description: 'One blocked or failed connection, however many retries, nodes and channels reported it.',
})
export class Drop implements Node {
  readonly __typename: 'Drop';

  id: string;

  @Field(() => String, { description: 'The id in the command line and in the store.' })
  key: string;

  @Field(() => String)
  cluster: string;

  @Field(() => DateTime)
  firstSeenAt: number;

  @Field(() => DateTime)
  lastSeenAt: number;

  @Field(() => End, { description: 'As the client sent it.' })
  source: End;

  @Field(() => Int, { nullable: true })
  sourcePort: number | null;

  @Field(() => End, { description: 'As the deciding rule saw it.' })
  destination: End;

  @Field(() => Int, { nullable: true })
  destinationPort: number | null;

  @Field(() => String)
  protocol: string;

  @Field(() => OriginalDestination, { nullable: true })
  original: OriginalDestination | null;

  @Field(() => IP, {
    nullable: true,
    description: 'Source address as the deciding rule saw it, where it was translated.',
  })
  translatedSource: string | null;

  @Field(() => Int, { description: 'Connection attempts.' })
  attempts: number;

  @Field(() => Int, { description: 'Packets seen dropped, retries included.' })
  packets: number;

  @Field(() => VerdictEnum)
  verdict: Verdict;

  @Field(() => CauseEnum)
  cause: Cause;

  @Field(() => DirectionEnum, { nullable: true })
  direction: PolicyDirection | null;

  @Field(() => String, { description: 'The explanation in one breath.' })
  sentence: string;

  @Field(() => [Evidence])
  evidence: readonly Evidence[];

  @Field(() => [String], {
    description: 'What is not told to a token that is limited to namespaces. Empty for others.',
  })
  withheld: readonly string[];

  /** Not shown: what the resolvers load by. */
  readonly groupId: string;
  readonly explanationId: string;
}

@ObjectType()
export class DropConnection extends connectionOf(Drop) {}
