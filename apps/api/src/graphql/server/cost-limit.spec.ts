import { GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from 'graphql';
import { listCost } from '../page/connection.js';
import { checkCost, MAX_COST } from './cost-limit.js';

const node = new GraphQLObjectType({
  name: 'Item',
  fields: { a: { type: GraphQLString }, b: { type: GraphQLString } },
});
const args = { first: { type: GraphQLInt }, filter: { type: GraphQLString } };
const items = { type: new GraphQLList(node), args, extensions: { complexity: listCost } };
const schema = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { items } }) });

describe('the cost of a query that comes again', () => {
  const query = parse(`query ($n: Int, $with: Boolean!, $text: String) {
    items(first: $n, filter: $text) { a b @include(if: $with) }
  }`);
  const cost = (n: number, plus: boolean, text = 'x') => checkCost(schema, query, { n, with: plus, text });

  it('hangs on the variables that it hangs on, whatever was asked before', () => {
    expect([cost(10, true), cost(10, false), cost(20, true), cost(10, true)]).toEqual([520, 510, 540, 520]);
    expect(cost(10, true, 'y')).toBe(520);
  });

  it('is over the limit each time', () => {
    for (const _ of [1, 2]) expect(() => cost(MAX_COST, true)).toThrow('over the limit');
    expect(cost(1, true)).toBe(502);
  });
});
