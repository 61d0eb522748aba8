import { Inject } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { readCollectors, type Collector as CollectorRow, type Reader } from '@whydrop/storage';
import { READER } from '../../options.js';
import { checkFilterSize } from '../filters.js';
import { Collector, CollectorFilter, type CollectorFormat } from './collector.type.js';

const sum = (
  formats: readonly CollectorFormat[],
  field: 'batches' | 'payloadBytes' | 'rejects' | 'missingBatches' | 'openBatches',
) => formats.reduce((total, format) => total + format[field], 0n);

function collectorOf(row: CollectorRow): Collector {
  const { formats } = row;
  const observed = formats.flatMap(({ lastObservedAt }) => (lastObservedAt === null ? [] : [lastObservedAt]));
  const lastReceivedAt = Math.max(...formats.map((format) => format.lastReceivedAt));
  const lastObservedAt = observed.length === 0 ? null : Math.max(...observed);
  return {
    ...row,
    lagSeconds: lastObservedAt === null ? null : (lastReceivedAt - lastObservedAt) / 1_000_000,
    streams: formats.reduce((total, format) => total + format.streams, 0),
    batches: sum(formats, 'batches'),
    payloadBytes: sum(formats, 'payloadBytes'),
    rejects: sum(formats, 'rejects'),
    missingBatches: sum(formats, 'missingBatches'),
    openBatches: sum(formats, 'openBatches'),
    lastReceivedAt,
    lastObservedAt,
  };
}

@Resolver(() => Collector)
export class CollectorResolver {
  constructor(@Inject(READER) private readonly reader: Reader) {}

  @Query(() => [Collector], {
    complexity: ({ childComplexity }) => 500 + 100 * childComplexity,
    description: 'Who ships, what, and what is missing.',
  })
  async collectors(
    @Args('filter', { type: () => CollectorFilter, nullable: true }) filter?: CollectorFilter | null,
  ): Promise<readonly Collector[]> {
    if (filter) checkFilterSize(filter);
    return (await readCollectors(this.reader, filter ?? {})).map(collectorOf);
  }
}
