import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { FlowEvent } from '@whydrop/model';
import type { FlowRow } from '@whydrop/storage';
import { FlowEventEnum } from '../enums.js';
import { connectionOf } from '../page/connection.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { IP } from '../scalars/ip.scalar.js';

@ObjectType({ description: 'What the conntrack of one node said once about one connection.' })
export class Flow implements FlowRow {
  @Field(() => DateTime, { description: 'By the clock of the node.' })
  observedAt: number;

  @Field(() => String)
  cluster: string;

  @Field(() => String, { nullable: true })
  node: string | null;

  @Field(() => FlowEventEnum)
  event: FlowEvent;

  @Field(() => String)
  protocol: string;

  @Field(() => String, { nullable: true, description: 'By its conntrack name: SYN_SENT.' })
  state: string | null;

  @Field(() => Boolean)
  unreplied: boolean;

  @Field(() => Boolean)
  assured: boolean;

  @Field(() => IP, { description: 'As the initiator sent it.' })
  source: string;

  @Field(() => IP, { description: 'As the initiator sent it, before translation.' })
  destination: string;

  @Field(() => Int, { nullable: true })
  sourcePort: number | null;

  @Field(() => Int, { nullable: true })
  destinationPort: number | null;

  @Field(() => IP, { description: 'Where the answer comes from: the destination after translation.' })
  replySource: string;

  @Field(() => IP, { description: 'Where the answer goes: the source after translation.' })
  replyDestination: string;

  @Field(() => Int, { nullable: true })
  replySourcePort: number | null;

  @Field(() => Int, { nullable: true })
  replyDestinationPort: number | null;

  @Field(() => Int, { nullable: true })
  icmpType: number | null;

  @Field(() => Int, { nullable: true })
  icmpCode: number | null;

  @Field(() => BigIntString, { nullable: true })
  originalPackets: bigint | null;

  @Field(() => BigIntString, { nullable: true })
  originalBytes: bigint | null;

  @Field(() => BigIntString, { nullable: true })
  replyPackets: bigint | null;

  @Field(() => BigIntString, { nullable: true })
  replyBytes: bigint | null;

  @Field(() => BigIntString, { nullable: true })
  mark: bigint | null;

  @Field(() => Int, { nullable: true })
  zone: number | null;

  @Field(() => String, { description: 'Batch it came with.' })
  batchId: string;

  @Field(() => Int, { description: 'Line of its stream.' })
  line: number;
}

@ObjectType()
export class FlowConnection extends connectionOf(Flow) {}
