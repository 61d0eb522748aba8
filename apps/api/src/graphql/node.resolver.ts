import { Args, Context, ID, Query, Resolver } from '@nestjs/graphql';
import type { GraphqlContext } from './context.js';
import type { DropGroup } from './drop-group/drop-group.type.js';
import { dropGroupOf } from './drop-group/drop-group.view.js';
import type { Drop } from './drop/drop.type.js';
import { dropOf } from './drop/drop.view.js';
import type { Loaders } from './loaders.js';
import { Node } from './node.type.js';
import { parseGlobalId } from './page/global-id.js';
import type { Policy } from './policy/policy.type.js';
import { policyNodeOf } from './policy/policy.view.js';
import { badInput, notFound } from './server/graphql-error.js';
import type { BlockedWorkload } from './workload/workload.type.js';
import { workloadOf } from './workload/workload.view.js';

type Found = Drop | DropGroup | Policy | BlockedWorkload;

const MOST = 100;
const lengthOf = (ids: unknown): number => (Array.isArray(ids) ? ids.length : 1);

async function find(id: string, loaders: Loaders): Promise<Found | undefined> {
  const parsed = parseGlobalId(id);
  if (parsed?.type === 'Drop') {
    const row = await loaders.drop.load(parsed.key);
    if (row) return dropOf(row);
  }
  if (parsed?.type === 'DropGroup') {
    const row = await loaders.dropGroup.load(parsed.key);
    if (row) return dropGroupOf(row);
  }
  if (parsed?.type === 'Policy') {
    const row = await loaders.policy.load(parsed.key);
    if (row) return policyNodeOf(row);
  }
  if (parsed?.type === 'BlockedWorkload') {
    const row = await loaders.workload.load(parsed.key);
    if (row) return workloadOf(row);
  }
  return undefined;
}

@Resolver(() => Node)
export class NodeResolver {
  @Query(() => Node, { nullable: true, description: 'Anything by its global id.' })
  async node(@Args('id', { type: () => ID }) id: string, @Context() { loaders }: GraphqlContext): Promise<Found> {
    const found = await find(id, loaders);
    if (!found) throw notFound('object with this id');
    return found;
  }

  @Query(() => [Node], {
    nullable: 'items',
    complexity: ({ args, childComplexity }) => 500 + lengthOf(args['ids']) * childComplexity,
    description: `Anything by global ids, at most ${MOST}, in their order; null for what is not there.`,
  })
  async nodes(
    @Args('ids', { type: () => [ID] }) ids: string[],
    @Context() { loaders }: GraphqlContext,
  ): Promise<readonly (Found | null)[]> {
    if (ids.length > MOST) throw badInput(`ids: at most ${MOST} at once`);
    return Promise.all(ids.map(async (id) => (await find(id, loaders)) ?? null));
  }
}
