import { Field, Float, InputType, Int, ObjectType } from '@nestjs/graphql';
import type {
  CollectorFormat as FormatRow,
  CoveredChannel as ChannelRow,
  Loss as LossRow,
  SequenceGap as GapRow,
} from '@whydrop/storage';
import { GAP_REASONS } from '@whydrop/contracts';
import { StringFilter } from '../filters.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import type { Ref } from '../ref.js';

@ObjectType({ isAbstract: true })
abstract class Shipped {
  @Field(() => Int)
  streams: number;

  @Field(() => BigIntString)
  batches: bigint;

  @Field(() => BigIntString, { description: 'Inflated.' })
  payloadBytes: bigint;

  @Field(() => BigIntString, { description: 'Records that were not understood.' })
  rejects: bigint;

  @Field(() => BigIntString, { description: 'Batches that were numbered and never came: known loss.' })
  missingBatches: bigint;

  @Field(() => BigIntString, { description: 'Batches that are not worked through yet.' })
  openBatches: bigint;

  @Field(() => DateTime, { description: 'By our clock.' })
  lastReceivedAt: number;

  @Field(() => DateTime, { nullable: true, description: 'By the clock of the node.' })
  lastObservedAt: number | null;
}

@ObjectType({ description: 'What a node shipped in one format.' })
export class CollectorFormat extends Shipped implements FormatRow {
  @Field(() => String)
  format: string;
}

@ObjectType({ description: 'Numbers missing in one epoch of one stream.' })
export class SequenceGap implements GapRow {
  @Field(() => String)
  stream: string;

  @Field(() => BigIntString)
  epoch: string;

  @Field(() => BigIntString)
  lastSequence: string;

  @Field(() => BigIntString)
  missingBatches: bigint;
}

const REASONS = Object.entries(GAP_REASONS)
  .map(([reason, text]) => `${reason}: ${text}`)
  .join('; ');

@ObjectType({ description: 'Records that were lost before they were shipped, as the collector told it.' })
export class Loss implements LossRow {
  @Field(() => String)
  stream: string;

  @Field(() => String, { nullable: true, description: 'The channel that was not captured without a gap then.' })
  channel: string | null;

  @Field(() => String, { description: REASONS })
  reason: string;

  @Field(() => DateTime)
  from: number;

  @Field(() => DateTime)
  to: number;

  @Field(() => BigIntString, { nullable: true, description: 'Null when nobody can count them.' })
  records: bigint | null;

  @Field(() => BigIntString, { nullable: true })
  epoch: string | null;

  @Field(() => BigIntString, { nullable: true, description: 'The first and last of the batches that were lost.' })
  firstSequence: string | null;

  @Field(() => BigIntString, { nullable: true })
  lastSequence: string | null;

  @Field(() => String, { nullable: true })
  detail: string | null;
}

@ObjectType({ description: 'The latest stretch of time in which a channel was captured without a gap.' })
export class CoveredChannel implements ChannelRow {
  @Field(() => String)
  channel: string;

  @Field(() => DateTime)
  from: number;

  @Field(() => DateTime)
  to: number;
}

@ObjectType({ description: 'One node, or the cluster itself, with everything it shipped.' })
export class Collector extends Shipped {
  @Field(() => String)
  cluster: string;

  @Field(() => String, { nullable: true, description: 'Null for what belongs to the whole cluster.' })
  node: string | null;

  @Field(() => [CollectorFormat])
  formats: readonly CollectorFormat[];

  @Field(() => [SequenceGap], { description: 'The widest first, at most 100.' })
  gaps: readonly SequenceGap[];

  @Field(() => [Loss], { description: 'The latest first, at most 100.' })
  losses: readonly Loss[];

  @Field(() => BigIntString, { description: 'Of all its losses, where they could be counted.' })
  lostRecords: bigint;

  @Field(() => [CoveredChannel], { description: 'Where silence is evidence.' })
  channels: readonly CoveredChannel[];

  @Field(() => Float, {
    nullable: true,
    description: 'Seconds between the last record, by the clock of the node, and its arrival, by ours: delay and skew.',
  })
  lagSeconds: number | null;
}

@InputType({ description: 'All given parts must hold.' })
export class CollectorFilter {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  node?: StringFilter | null;

  @Field(() => [CollectorFilter], { nullable: true, description: 'All of them hold.' })
  and?: Ref<CollectorFilter>[] | null;

  @Field(() => [CollectorFilter], { nullable: true, description: 'At least one of them holds; never when empty.' })
  or?: Ref<CollectorFilter>[] | null;

  @Field(() => CollectorFilter, { nullable: true, description: 'It does not hold.' })
  not?: Ref<CollectorFilter> | null;
}
