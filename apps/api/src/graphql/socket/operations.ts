import { randomUUID } from 'node:crypto';
import type { Principal, Reader } from '@whydrop/storage';
import {
  createSourceEventStream,
  execute,
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { readerAs } from '../../auth/asking.js';
import type { ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { createLoaders } from '../loaders.js';
import { checkCost } from '../server/cost-limit.js';
import { costRateOf } from '../server/rate-limit.js';
import { validationRulesOf } from '../server/validation-rules.js';

/** A request over a socket; `args` of graphql with what resolvers share. */
export type Operation = ExecutionArgs & { readonly contextValue: GraphqlContext };

function contextFor(reader: Reader, principal: Principal, requestId: string, cost: number): GraphqlContext {
  return { principal, loaders: createLoaders(readerAs(principal, reader)), requestId, cost };
}

function documentOf(schema: GraphQLSchema, query: string, options: ApiOptions): DocumentNode | readonly GraphQLError[] {
  try {
    const document = parse(query, { maxTokens: 5_000 });
    const errors = validate(schema, document, [...specifiedRules, ...validationRulesOf(options)], { maxErrors: 20 });
    return errors.length > 0 ? errors : document;
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/** What is asked over a socket, held to the limits of what is asked over HTTP; or why it cannot be run. */
export function operationOf(
  schema: GraphQLSchema,
  reader: Reader,
  principal: Principal,
  { query, variables, operationName }: SubscribePayload,
  options: ApiOptions,
): Operation | readonly GraphQLError[] {
  const document = documentOf(schema, query, options);
  if (!('kind' in document)) return document;
  const given = variables ?? {};
  try {
    const cost = checkCost(schema, document, given);
    costRateOf(options).take(principal.tokenId, cost);
    const contextValue = contextFor(reader, principal, randomUUID(), cost);
    const name = typeof operationName === 'string' ? { operationName } : {};
    return { schema, document, variableValues: given, contextValue, ...name };
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/** Loaders remember what they read, which a subscription may not: each of its answers gets a set of its own. */
function withFreshLoaders(reader: Reader, context: GraphqlContext): GraphqlContext {
  return { ...context, loaders: createLoaders(readerAs(context.principal, reader)) };
}

/** Runs a subscription. Unlike a generator the answers can be ended while they wait for the next change. */
export async function subscribeTo(
  reader: Reader,
  args: ExecutionArgs,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const stream = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in stream)) return stream;
  const source = stream[Symbol.asyncIterator]();
  const answers: AsyncIterableIterator<ExecutionResult> = {
    async next() {
      const { value, done } = await source.next();
      if (done === true) return { value: undefined, done: true };
      const contextValue = withFreshLoaders(reader, args.contextValue as GraphqlContext);
      return { value: await execute({ ...args, rootValue: value, contextValue }), done: false };
    },
    async return() {
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => answers,
  };
  return answers;
}
