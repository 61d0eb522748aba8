import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import type { Reader } from '@whydrop/storage';
import type { FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { guardSchema } from '../../auth/guard-schema.js';
import type { AuthenticatedRequest } from '../../auth/token.guard.js';
import { SILENT, type ApiOptions } from '../../options.js';
import type { GraphqlContext } from '../context.js';
import { createLoaders } from '../loaders.js';
import { BigIntString } from '../scalars/big-int.scalar.js';
import { readVariables } from './compiled-variables.js';
import { checkCost, MAX_COST } from './cost-limit.js';
import { dropPlainResolvers } from './plain-fields.js';
import { costRateOf } from './rate-limit.js';
import { validationRulesOf, withoutHints } from './validation-rules.js';
import { formatErrors, statusOf } from './error-formatter.js';

export const GRAPHQL_PATH = '/graphql';

/** How GraphQL is served. The token was checked before the request comes here. */
export function graphqlConfig(options: ApiOptions, reader: Reader): MercuriusDriverConfig {
  const log = options.log ?? SILENT;
  const contextOf = (request: FastifyRequest): GraphqlContext => ({
    principal: (request as AuthenticatedRequest).principal,
    loaders: createLoaders(reader),
    requestId: request.id,
  });
  return {
    driver: MercuriusDriver,
    path: GRAPHQL_PATH,
    autoSchemaFile: true,
    sortSchema: true,
    transformSchema: (schema: GraphQLSchema) => dropPlainResolvers(guardSchema(schema, options)),
    buildSchemaOptions: { scalarsMap: [{ type: BigInt, scalar: BigIntString }] },
    jit: 1,
    graphiql: options.graphiql ?? false,
    validationRules: [...validationRulesOf(options)],
    // mercurius hands these on to graphql's parse and validate
    graphql: { parseOptions: { maxTokens: 5_000 }, validateOptions: { maxErrors: 20 } },
    context: contextOf,
    hooks: {
      preExecution: (schema, document, context, given) => {
        const variables = readVariables(schema, document, given ?? {});
        const cost = checkCost(schema, document, variables ?? given ?? {});
        const { principal } = context as unknown as GraphqlContext;
        costRateOf(options).take(principal.tokenId, cost, (seconds) => {
          void context.reply?.header('retry-after', String(seconds));
        });
        (context as unknown as GraphqlContext).cost = cost;
        // A document of its own for every request is never compiled.
        return variables ? { variables } : { document: { ...document } };
      },
      onResolution: (execution, context) => {
        const requested = (context as unknown as GraphqlContext).cost;
        if (requested !== undefined)
          execution.extensions = { ...execution.extensions, cost: { requested, limit: MAX_COST } };
      },
    },
    errorFormatter: ({ data, errors }, context) => {
      const requestId = context.reply?.request.id ?? '';
      const started = data !== undefined && data !== null;
      const shown = withoutHints(formatErrors(errors ?? [], started, requestId, log), options);
      return {
        statusCode: statusOf(errors ?? [], shown, started, context.reply?.request.headers.accept),
        // A request that could not be run has no data, which is another thing than data that is null.
        response: {
          ...(started || shown.some(({ path }) => path) ? { data: data ?? null } : {}),
          errors: shown as never,
        },
      };
    },
  } as MercuriusDriverConfig;
}
