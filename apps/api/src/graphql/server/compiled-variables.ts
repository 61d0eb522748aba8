import {
  getVariableValues,
  GraphQLScalarType,
  Kind,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type VariableDefinitionNode,
} from 'graphql';

/**
 * The query compiler (graphql-jit) writes code for every level of a variable's type, without end for an input type that
 * holds itself, as our filters do with `and`, `or` and `not`. So we read the variables ourselves, with graphql's own
 * function and the types the query declares, and then let the compiler see a type that takes any value as it is.
 */
const AS_IT_IS = new GraphQLScalarType({ name: '_AsItIs', parseValue: (value) => value });

type Declared = readonly VariableDefinitionNode[];
type Variables = Readonly<Record<string, unknown>>;

/** What a validated document declared before its variables were taken over. */
const declarations = new WeakMap<DocumentNode, Declared>();

function operationsOf(document: DocumentNode): readonly OperationDefinitionNode[] {
  return document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
}

/** The type is in the schema for whoever looks it up by name, and in no list: it is not part of the API. */
function knowType(schema: GraphQLSchema): void {
  if (schema.getType(AS_IT_IS.name)) return;
  Object.defineProperty(schema.getTypeMap(), AS_IT_IS.name, { value: AS_IT_IS, enumerable: false });
}

function takeOver(operation: OperationDefinitionNode): Declared {
  const declared = operation.variableDefinitions ?? [];
  const type = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: AS_IT_IS.name } } as const;
  const opened = declared.map(({ kind, variable, loc }) => ({ kind, variable, type, ...(loc ? { loc } : {}) }));
  Object.assign(operation, { variableDefinitions: opened });
  return declared;
}

/** Variables that do not fit what the query declares: what the server under GraphQL throws for a request that is not valid. */
function invalid(errors: readonly Error[]): Error {
  return Object.assign(new Error('the variables are not valid'), { errors, statusCode: 400 });
}

/**
 * Values of a request's variables, as the types that the query declares read them. To be called between validating and
 * executing. Throws what the server shows as errors of the request. Undefined: the document holds several operations and
 * must not be compiled.
 */
export function readVariables(schema: GraphQLSchema, document: DocumentNode, given: Variables): Variables | undefined {
  const [operation, ...others] = operationsOf(document);
  if (!operation || others.length > 0) return undefined;
  knowType(schema);
  const declared = declarations.get(document) ?? takeOver(operation);
  declarations.set(document, declared);
  const { coerced, errors } = getVariableValues(schema, declared, given);
  if (errors) throw invalid(errors);
  return coerced;
}
