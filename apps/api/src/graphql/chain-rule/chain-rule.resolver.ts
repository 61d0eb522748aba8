import { Inject } from '@nestjs/common';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { readChainRules, rulesetsStatement, type Reader } from '@whydrop/storage';
import { API_OPTIONS, READER, type ApiOptions } from '../../options.js';
import { checkFilterSize } from '../filters.js';
import { connection, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { badInput } from '../server/graphql-error.js';
import { ChainRuleFilter, NodeRule, NodeRuleConnection } from './chain-rule.type.js';
import { conditionOf, ruleWanted } from './wanted.js';

const MOST_NODES = 20;
/** A rule's place in its list: rulesets are read whole, so that a page begins at a number. */
const PLACE = [{ sql: '', type: 'bigint' }] as const;

const counted = (text: string | null) => (text === null ? null : BigInt(text));

@Resolver(() => NodeRule)
export class ChainRuleResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  @Query(() => NodeRuleConnection, {
    complexity: listCost,
    description: 'Rules of nodes with their counters, in the order in which iptables-save prints them.',
  })
  async chainRules(
    @Args('filter', { type: () => ChainRuleFilter }) filter: ChainRuleFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<NodeRule>> {
    checkFilterSize(filter);
    const { cluster, nodes } = filter;
    if (nodes.length === 0 || nodes.length > MOST_NODES) throw badInput(`filter.nodes: name 1 to ${MOST_NODES} nodes`);
    const at = filter.at ?? (this.options.now ?? Date.now)() * 1000;
    const wanted = ruleWanted(conditionOf(filter));
    const rows = (await readChainRules(this.reader, rulesetsStatement(cluster, nodes, at))).filter(wanted);
    const snapshots = [...new Set(rows.map(({ node, observedAt }) => `${node} ${observedAt}`))];
    const cursors = new Cursors(PLACE, 'chainRules', filter, snapshots);
    const request = pageRequest(page, cursors, false);
    const all = rows.map((row, place) => ({ row, place }));
    const ordered = request.backward ? all.toReversed() : all;
    const begin =
      request.after === undefined ? 0 : ordered.findIndex(({ place }) => place === Number(request.after?.[0])) + 1;
    const places = ordered.slice(begin, begin + request.first + 1);
    return connection(
      places,
      request,
      ({ place }) => cursors.write([String(place)]),
      ({ row }) => ({ ...row, packets: counted(row.packets), bytes: counted(row.bytes) }),
      () => Promise.resolve(rows.length),
    );
  }
}
