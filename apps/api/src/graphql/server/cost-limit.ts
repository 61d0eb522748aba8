import { GraphQLError, visit, type DocumentNode, type GraphQLSchema } from 'graphql';
import { fieldExtensionsEstimator, getComplexity, simpleEstimator } from 'graphql-query-complexity';
import { LRUCache } from 'lru-cache';
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

/** What a list is narrowed, ordered and begun by: no estimator looks at it. */
const COSTS_NOTHING: ReadonlySet<string> = new Set(['filter', 'orderBy', 'timeRange', 'after', 'before']);

/** Names of the variables that a document's cost may hang on. */
function costlyVariables(query: DocumentNode): readonly string[] {
  const found = new Set<string>();
  visit(query, {
    VariableDefinition: () => false,
    Argument: ({ name }) => (COSTS_NOTHING.has(name.value) ? false : undefined),
    Variable: ({ name }) => void found.add(name.value),
  });
  return [...found];
}

interface Costs {
  readonly variables: readonly string[];
  readonly byValues: LRUCache<string, number>;
}

// Documents are parsed once and kept, and so is what they cost.
const known = new WeakMap<DocumentNode, Costs>();

function knownCosts(query: DocumentNode): Costs {
  const found = known.get(query);
  if (found) return found;
  const made: Costs = { variables: costlyVariables(query), byValues: new LRUCache({ max: 20 }) };
  known.set(query, made);
  return made;
}

const asText = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

function costOf(schema: GraphQLSchema, query: DocumentNode, variables: Record<string, unknown>): number {
  const { variables: names, byValues } = knownCosts(query);
  const values = JSON.stringify(
    names.map((name) => variables[name]),
    asText,
  );
  if (values.length > 1_000) return estimate(schema, query, variables);
  const cost = byValues.get(values) ?? estimate(schema, query, variables);
  byValues.set(values, cost);
  return cost;
}

function estimate(schema: GraphQLSchema, query: DocumentNode, variables: Record<string, unknown>): number {
  try {
    return getComplexity({ schema, query, variables, estimators });
  } catch (error) {
    // Variables that do not fit their types: executing says which, in its own words.
    if (error instanceof GraphQLError) return 0;
    throw error;
  }
}
