import { GraphQLError, type DocumentNode, type GraphQLSchema } from 'graphql';
import { fieldExtensionsEstimator, getComplexity, simpleEstimator } from 'graphql-query-complexity';
import { graphqlError } from './graphql-error.js';

/** A list costs 500 and the cost of a node for each it may return; a plain field costs 1. */
export const MAX_COST = 50_000;

const estimators = [fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })];

/** Cost of a query with these variables; throws QUERY_TOO_COMPLEX when it is over the limit. */
export function checkCost(schema: GraphQLSchema, query: DocumentNode, variables: Record<string, unknown>): number {
  const cost = costOf(schema, query, variables);
  if (cost <= MAX_COST) return cost;
  const message = `the query costs ${cost}, over the limit of ${MAX_COST}; ask for fewer rows or fields`;
  throw graphqlError('QUERY_TOO_COMPLEX', message, { cost: { requested: cost, limit: MAX_COST } });
}

function costOf(schema: GraphQLSchema, query: DocumentNode, variables: Record<string, unknown>): number {
  try {
    return getComplexity({ schema, query, variables, estimators });
  } catch (error) {
    // Variables that do not fit their types: executing says which, in its own words.
    if (error instanceof GraphQLError) return 0;
    throw error;
  }
}
