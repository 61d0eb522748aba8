import type { Type } from '@nestjs/common';
import { ArgsType, Field, Int, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { asAsked } from '../../auth/asking.js';
import type { PageRequest } from '@whydrop/storage';
import { badInput } from '../server/graphql-error.js';
import type { Cursors } from './cursor.js';

@ObjectType()
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage: boolean;

  @Field(() => Boolean)
  hasPreviousPage: boolean;

  @Field(() => String, { nullable: true })
  startCursor: string | null;

  @Field(() => String, { nullable: true })
  endCursor: string | null;
}

/** A page of a list, as Relay describes it. */
export interface Connection<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
  /** Counts the whole list when somebody asks; undefined when that is too much. */
  readonly count: () => Promise<number | undefined>;
}

/** Type of a connection of these nodes. */
export function connectionOf<Node>(node: Type<Node>): Type<object> {
  @ObjectType(`${node.name}Edge`)
  class Edge {
    @Field(() => String)
    cursor: string;

    @Field(() => node)
    node: Node;
  }

  @ObjectType({ isAbstract: true })
  class ConnectionType {
    @Field(() => [Edge])
    edges: readonly Edge[];

    @Field(() => [node], { description: 'The nodes of the edges.' })
    nodes: readonly Node[];

    @Field(() => PageInfo)
    pageInfo: PageInfo;
  }
  return ConnectionType;
}

/** Resolver of a connection's `totalCount`: a query of its own, run only when it is asked for. */
export function totalCountOf(connection: Type<object>): Type<object> {
  @Resolver(() => connection)
  class TotalCountResolver {
    @ResolveField(() => Int, { nullable: true, description: 'Length of the whole list; null when it is over 10000.' })
    async totalCount(@Parent() parent: Connection<unknown>): Promise<number | null> {
      return (await parent.count()) ?? null;
    }
  }
  return TotalCountResolver;
}

export const DEFAULT_FIRST = 50;
export const MAX_FIRST = 500;

@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: DEFAULT_FIRST, description: `How many, 1 to ${MAX_FIRST}.` })
  first: number;

  @Field(() => String, { nullable: true, description: 'Cursor of the row before the page.' })
  after?: string | null;

  @Field(() => Int, { nullable: true, description: `Instead of first: so many from the end, or before a cursor.` })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the row behind the page; not together with after.' })
  before?: string | null;
}

/** A page as read models take it. Backward: read from its end, against the order of the list. */
export interface AskedPage extends PageRequest {
  readonly backward: boolean;
}

/** Checked page arguments as read models take them. */
export function pageRequest(
  { first, after, last, before }: PageArgs,
  cursors: Cursors,
  descending: boolean,
): AskedPage {
  const backward = typeof last === 'number' || typeof before === 'string';
  if (backward && typeof after === 'string') throw badInput('after: give first and after, or last and before');
  const [name, count] = typeof last === 'number' ? ['last', last] : ['first', first];
  if (count < 1 || count > MAX_FIRST) throw badInput(`${name}: must be from 1 to ${MAX_FIRST}`);
  const cursor = backward ? before : after;
  return {
    first: count,
    descending: backward ? !descending : descending,
    after: typeof cursor === 'string' ? cursors.read(cursor, backward ? 'before' : 'after') : undefined,
    backward,
  };
}

/** Makes a connection of rows that were read with one more than asked for. */
export function connection<Row, Node>(
  rows: readonly Row[],
  page: { readonly first: number; readonly after: unknown; readonly backward: boolean },
  cursorOf: (row: Row) => string,
  nodeOf: (row: Row) => Node,
  count: () => Promise<number | undefined>,
): Connection<Node> {
  const read = rows.slice(0, page.first);
  const inOrder = page.backward ? read.toReversed() : read;
  const nodes = inOrder.map(nodeOf);
  const cursorAt = (row: Row | undefined) => (row === undefined ? null : cursorOf(row));
  const [more, came] = [rows.length > page.first, page.after !== undefined];
  const pageInfo = {
    hasNextPage: page.backward ? came : more,
    hasPreviousPage: page.backward ? more : came,
    get startCursor() {
      return cursorAt(inOrder[0]);
    },
    get endCursor() {
      return cursorAt(inOrder.at(-1));
    },
  };
  return {
    // Most ask for nodes alone: no cursor is written for them
    get edges() {
      return inOrder.map((row, i) => ({ cursor: cursorOf(row), node: nodes[i] as Node }));
    },
    nodes,
    pageInfo,
    count: asAsked(count),
  };
}

interface Asked {
  readonly args: Record<string, unknown>;
  readonly childComplexity: number;
}

const nodesCost = ({ args, childComplexity }: Asked): number =>
  Number(args['last'] ?? args['first'] ?? DEFAULT_FIRST) * childComplexity;

/** Cost of a list in the units of its limit: a query of its own, and so many nodes. */
export const listCost = (asked: Asked): number => 500 + nodesCost(asked);

/** Cost of a list within another: it is read together with those of its neighbours. */
export const innerListCost = (asked: Asked): number => 100 + nodesCost(asked);
