import { Inject } from '@nestjs/common';
import { Args, Context, Resolver, Subscription } from '@nestjs/graphql';
import { dropsStatement, observedDropsStatement, readDrops, type Reader } from '@whydrop/storage';
import { asAsked } from '../../auth/asking.js';
import { READER } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { DropCondition, withDefaultVerdicts } from '../drop/drop.filter.js';
import type { Drop } from '../drop/drop.type.js';
import { dropOf } from '../drop/drop.view.js';
import { checkFilterSize } from '../filters.js';
import { DateTime } from '../scalars/date-time.scalar.js';
import { LiveService } from './live.service.js';
import { DropObserved, laggedBy, type Lagged, UNKNOWN } from './live.type.js';

interface Answer {
  readonly dropObserved: Drop | Lagged;
}

/** Of the past, at most so many; who wants more asks the list. */
const REPLAYED = 500;

@Resolver(() => DropObserved)
export class DropObservedResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(LiveService) private readonly live: LiveService,
  ) {}

  @Subscription(() => DropObserved, {
    description:
      'Blocked connections as they are explained. One that is explained anew by later evidence is not told again.',
  })
  async dropObserved(
    @Args('filter', { type: () => DropCondition, defaultValue: {} }) filter: DropCondition,
    @Context() { principal }: GraphqlContext,
    @Args('since', {
      type: () => DateTime,
      nullable: true,
      description: `Begin with those that were first seen from then on, at most ${REPLAYED}.`,
    })
    since?: number | null,
  ): Promise<AsyncIterableIterator<Answer>> {
    checkFilterSize(filter);
    const condition = withDefaultVerdicts(filter);
    const read = asAsked(async (ids: readonly string[]) => {
      const rows = await readDrops(this.reader, observedDropsStatement(ids, condition));
      return rows.map((row) => ({ dropObserved: dropOf(row) }));
    });
    return this.live.open<Answer>(
      'drops',
      {
        read,
        lagged: (missed) => ({ dropObserved: laggedBy(principal.namespaces ? UNKNOWN : missed) }),
      },
      typeof since === 'number' ? asAsked(() => this.past(since, condition)) : undefined,
    );
  }

  private async past(since: number, condition: DropCondition): Promise<readonly Answer[]> {
    const page = { first: REPLAYED, descending: false, after: undefined };
    const rows = await readDrops(this.reader, dropsStatement({ from: since, to: undefined }, condition, page));
    const answers: Answer[] = rows.slice(0, REPLAYED).map((row) => ({ dropObserved: dropOf(row) }));
    return rows.length > REPLAYED ? [...answers, { dropObserved: { missed: null } }] : answers;
  }
}
