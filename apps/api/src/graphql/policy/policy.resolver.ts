import { Inject } from '@nestjs/common';
import { Args, Context, ID, Info, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  POLICY_SORT,
  policiesStatement,
  policyCountStatement,
  readCount,
  readPolicies,
  type Reader,
} from '@whydrop/storage';
import type { GraphQLResolveInfo } from 'graphql';
import { READER } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { DropGroupResolver } from '../drop-group/drop-group.resolver.js';
import { type DropGroup, DropGroupConnection } from '../drop-group/drop-group.type.js';
import { DropResolver } from '../drop/drop.resolver.js';
import { type Drop, DropConnection } from '../drop/drop.type.js';
import { checkFilterSize, TimeRangeInput } from '../filters.js';
import { connection, innerListCost, listCost, PageArgs, pageRequest, type Connection } from '../page/connection.js';
import { Cursors } from '../page/cursor.js';
import { keyOf } from '../page/global-id.js';
import { ReconciliationResolver } from '../reconciliation/reconciliation.resolver.js';
import { type ReconciliationFinding, ReconciliationFindingConnection } from '../reconciliation/reconciliation.type.js';
import { badInput, graphqlError, notFound } from '../server/graphql-error.js';
import { Policy, PolicyConnection, PolicyDiff, PolicyFilter, PolicyRevision } from './policy.type.js';
import { diffOf, policyNodeOf, revisionOf } from './policy.view.js';

@Resolver(() => Policy)
export class PolicyResolver {
  constructor(
    @Inject(READER) private readonly reader: Reader,
    @Inject(DropResolver) private readonly dropLists: DropResolver,
    @Inject(DropGroupResolver) private readonly groupLists: DropGroupResolver,
    @Inject(ReconciliationResolver) private readonly findingLists: ReconciliationResolver,
  ) {}

  @Query(() => PolicyConnection, {
    complexity: listCost,
    description: 'Policies by cluster, kind, namespace and name.',
  })
  async policies(
    @Args('filter', { type: () => PolicyFilter, defaultValue: {} }) filter: PolicyFilter,
    @Args() page: PageArgs,
  ): Promise<Connection<Policy>> {
    checkFilterSize(filter);
    const cursors = new Cursors(POLICY_SORT, 'policies', filter);
    const request = pageRequest(page, cursors, false);
    const rows = await readPolicies(this.reader, policiesStatement(filter, request));
    const count = () => readCount(this.reader, policyCountStatement(filter));
    return connection(rows, request, (row) => cursors.write([row.key]), policyNodeOf, count);
  }

  @Query(() => Policy, { nullable: true, description: 'By its id.' })
  async policy(@Args('id', { type: () => ID }) id: string, @Context() context: GraphqlContext): Promise<Policy> {
    const row = await context.loaders.policy.load(keyOf('Policy', id));
    if (!row) throw notFound('policy with this id');
    return policyNodeOf(row);
  }

  @ResolveField(() => DropConnection, { complexity: innerListCost, description: 'Drops whose explanation names it.' })
  drops(
    @Parent() policy: Policy,
    @Args('timeRange') timeRange: TimeRangeInput,
    @Args() page: PageArgs,
    @Context() { loaders }: GraphqlContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<Drop>> {
    return this.dropLists.list(loaders.together, { timeRange, ...namedBy(policy) }, page, info, null, true);
  }

  @ResolveField(() => DropGroupConnection, {
    complexity: innerListCost,
    description: 'Drop groups whose explanation names it.',
  })
  dropGroups(
    @Parent() policy: Policy,
    @Args('timeRange') timeRange: TimeRangeInput,
    @Args() page: PageArgs,
    @Context() { loaders }: GraphqlContext,
  ): Promise<Connection<DropGroup>> {
    return this.groupLists.list(loaders.together, { timeRange, ...namedBy(policy) }, page, null, true);
  }

  @ResolveField(() => ReconciliationFindingConnection, {
    complexity: innerListCost,
    description: 'Where nodes do not run what it says.',
  })
  findings(
    @Parent() { cluster, namespace, name }: Policy,
    @Args('timeRange') timeRange: TimeRangeInput,
    @Args() page: PageArgs,
    @Context() { principal, loaders }: GraphqlContext,
  ): Promise<Connection<ReconciliationFinding>> {
    if (principal.namespaces) throw graphqlError('FORBIDDEN', 'findings tell of nodes; the token is for namespaces');
    const policy = { eq: namespace === null ? name : `${namespace}/${name}` };
    return this.findingLists.list(loaders.together, { timeRange, cluster: { eq: cluster }, policy }, page);
  }

  @ResolveField(() => [PolicyRevision], { complexity: 50, description: 'What it was over time, the oldest first.' })
  async revisions(
    @Parent() { key }: Policy,
    @Context() { loaders }: GraphqlContext,
  ): Promise<readonly PolicyRevision[]> {
    return (await loaders.policyVersions.load(key)).map(revisionOf);
  }

  @ResolveField(() => PolicyDiff, {
    complexity: 50,
    nullable: true,
    description: 'Between two revisions; without arguments between the last two. Null when there is only one.',
  })
  async diff(
    @Parent() { key }: Policy,
    @Context() { loaders }: GraphqlContext,
    @Args('from', { type: () => ID, nullable: true }) from?: string | null,
    @Args('to', { type: () => ID, nullable: true }) to?: string | null,
  ): Promise<PolicyDiff | null> {
    const versions = await loaders.policyVersions.load(key);
    const find = (id: string | null | undefined, usual: number) => {
      if (typeof id !== 'string') return versions.at(usual);
      const found = versions.find(({ version }) => version === id);
      if (!found) throw badInput(`diff: ${id} is no revision of this policy`);
      return found;
    };
    const [before, after] = [find(from, -2), find(to, -1)];
    return before && after ? diffOf(before, after) : null;
  }
}

function namedBy({ cluster, kind, namespace, name }: Policy) {
  return { cluster: { eq: cluster }, policy: { eq: `${kind}/${namespace ?? ''}/${name}` } };
}
