import { Inject } from '@nestjs/common';
import { Args, ArgsType, Field, Int, Query, Resolver } from '@nestjs/graphql';
import { type CountedDropRow, countedDropsStatement, readCountedDrops, type Reader } from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { partOf, ruleOf } from '../explanation/explanation.view.js';
import { TimeRangeInput, timeRangeOf } from '../filters.js';
import { badInput } from '../server/graphql-error.js';
import { CountedDrop } from './counted-drop.type.js';

const MOST = 500;

@ArgsType()
class CountedDropArgs {
  @Field(() => TimeRangeInput)
  timeRange: TimeRangeInput;

  @Field(() => String, { nullable: true })
  cluster?: string | null;

  @Field(() => String, { nullable: true })
  node?: string | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Also what drops with addresses account for in full: attributed and counted, rule by rule.',
  })
  all: boolean;

  @Field(() => Int, { defaultValue: 100 })
  first: number;
}

/** The same policies, by the words of the row: nothing is asked of other tables. */
function countedDropOf({ id, facts, ...row }: CountedDropRow): CountedDrop {
  return {
    key: id,
    cluster: row.cluster,
    node: facts.node === '' ? null : facts.node,
    channel: facts.channel,
    cause: row.cause,
    direction: facts.direction ?? null,
    endpoint: facts.endpoint ?? null,
    from: row.from,
    to: row.to,
    packets: row.packets,
    attributed: row.attributed,
    unattributed: row.packets - row.attributed,
    isLowerBound: row.isLowerBound,
    policies: facts.policies.map(partOf),
    chainRule: ruleOf(facts.chainRule),
    assumptions: facts.assumptions,
    missing: facts.missing,
    sentence: row.sentence,
  };
}

@Resolver(() => CountedDrop)
export class CountedDropResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => [CountedDrop], {
    complexity: ({ args, childComplexity }) => 1 + Math.min(Number(args['first'] ?? 100), MOST) * childComplexity,
    description: 'What was counted as dropped and is not told as drops with addresses, rule by rule, the oldest first.',
  })
  async countedDrops(@Args() { timeRange, cluster, node, all, first }: CountedDropArgs): Promise<CountedDrop[]> {
    if (first < 1 || first > MOST) throw badInput(`first: between 1 and ${MOST}`);
    const range = timeRangeOf(timeRange, (this.options.now ?? Date.now)());
    const condition = { cluster: cluster ?? undefined, node: node ?? undefined, all };
    const rows = await readCountedDrops(this.reader, countedDropsStatement(range, condition, first));
    return rows.map(countedDropOf);
  }
}
