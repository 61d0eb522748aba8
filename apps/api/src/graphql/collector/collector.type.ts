import { Field, InputType, Int, ObjectType } from '@nestjs/graphql';
import type { CollectorFormat as FormatRow, SequenceGap as GapRow } from '@whydrop/storage';
import { StringFilter } from '../filters.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { DateTime } from '../scalars/date-time.scalar.js';

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
}

@InputType({ description: 'All given parts must hold.' })
export class CollectorFilter {
  @Field(() => StringFilter, { nullable: true })
  cluster?: StringFilter | null;

  @Field(() => StringFilter, { nullable: true })
  node?: StringFilter | null;
}
