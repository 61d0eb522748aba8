import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { RejectReason } from '@whydrop/model';
import type { RejectRow } from '@whydrop/storage';
import { RejectReasonEnum } from '../enums.js';
import { connectionOf } from '../page/connection.js';
import { DateTime } from '../scalars/date-time.scalar.js';

@ObjectType({ description: 'A record that was not understood. It is kept and stops nothing.' })
export class Reject implements RejectRow {
  @Field(() => String)
  batchId: string;

  @Field(() => Int, { description: 'Its place among the rejects of its batch.' })
  ordinal: number;

  @Field(() => String)
  cluster: string;

  @Field(() => String, { nullable: true })
  node: string | null;

  @Field(() => String)
  stream: string;

  @Field(() => String)
  format: string;

  @Field(() => Int)
  line: number;

  @Field(() => RejectReasonEnum)
  reason: RejectReason;

  @Field(() => String, { description: 'What was expected, what was found.' })
  detail: string;

  @Field(() => String, { description: 'The record as received, cut at 4 KiB.' })
  raw: string;

  @Field(() => DateTime, { description: 'By our clock.' })
  receivedAt: number;
}

@ObjectType()
export class RejectConnection extends connectionOf(Reject) {}
