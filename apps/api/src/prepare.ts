import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Reader } from '@whydrop/storage';
import type { FastifyInstance } from 'fastify';
import { askedBy } from './auth/asking.js';
import { principalOf } from './auth/bearer.js';
import { mayAct, type AuthenticatedRequest } from './auth/token.guard.js';
import { GRAPHQL_PATH } from './graphql/server/graphql.config.js';
import { isGraphqlErrorCode, type GraphqlErrorCode } from './graphql/server/graphql-error.js';
import { serveSockets } from './graphql/socket/socket-server.js';
import { openPersistedQueries } from './graphql/server/persisted-queries.js';
import { speakGraphqlOverHttp } from './graphql/server/over-http.js';
import { ApiError } from './http/api-error.js';
import { checkContentType, checkMethod, sendSafeHeaders } from './http/headers.js';
import { ApiErrorFilter, toApiError } from './http/api-error.filter.js';
import { READER, SILENT, type ApiOptions } from './options.js';
import { serveStaticPage } from './web/static-page.js';

const INGEST_PATH = '/ingest/v1/batches';
const BATCH_TYPE = 'application/vnd.whydrop.batch';

const REQUEST_MS = 60_000;
const CLOSE_MS = 10_000;

/**
 * The HTTP server under Nest. GraphQL requests are small; batches are read by ingest itself. A sender that falls silent in
 * the middle of one would hold its part of the memory that all share.
 */
export function createAdapter({ requestTimeoutMs = REQUEST_MS }: Partial<ApiOptions> = {}): FastifyAdapter {
  return new FastifyAdapter({
    requestTimeout: requestTimeoutMs,
    // Node takes the two for each other when the head of a request is given longer than the whole.
    http: { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: Math.min(10_000, requestTimeoutMs / 4) },
    bodyLimit: 1024 * 1024,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 200 },
  });
}

function pathOf(url: string | undefined): string {
  return url?.split('?', 1)[0] ?? '';
}

/** Who asks is checked before anything of a query is read. Errors have GraphQL's shape. */
function guardGraphql(server: FastifyInstance, options: ApiOptions): void {
  const log = options.log ?? SILENT;
  // Bound when the body has been read: what ran before it belongs to the connection, which others use too.
  server.addHook('preHandler', (request, _reply, done) => {
    const { principal } = request as Partial<AuthenticatedRequest>;
    if (principal) askedBy(principal, done);
    else done();
  });
  server.addHook('onRequest', async (request, reply) => {
    if (pathOf(request.raw.url) !== GRAPHQL_PATH) return;
    try {
      checkMethod(request);
      checkContentType(request);
      const principal = await principalOf(options, request.headers.authorization);
      if (!mayAct(principal, 'viewer')) throw new ApiError(403, 'FORBIDDEN', 'reading needs a token with role viewer');
      (request as AuthenticatedRequest).principal = principal;
    } catch (thrown) {
      const error = toApiError(thrown);
      if (error.status >= 500) log.error({ requestId: request.id, err: thrown }, error.message);
      const code: GraphqlErrorCode = isGraphqlErrorCode(error.code) ? error.code : 'INTERNAL_SERVER_ERROR';
      const extensions = { code, requestId: request.id };
      await reply
        .status(error.status)
        .headers(error.headers)
        .send({ errors: [{ message: error.message, extensions }] });
    }
  });
}

/** A batch is bytes, whatever content type a client's tool sends with it: no parser may touch it. */
function leaveBatchesAlone(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    if (pathOf(request.raw.url) === INGEST_PATH) request.headers['content-type'] = BATCH_TYPE;
    done();
  });
  server.addContentTypeParser(BATCH_TYPE, (_request, _payload, done) => done(null));
}

/** What the application needs beside its modules; to be called before it listens. */
export async function prepareApi(app: NestFastifyApplication, options: ApiOptions): Promise<void> {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  await sendSafeHeaders(server);
  leaveBatchesAlone(server);
  const queries = openPersistedQueries(options.queryList);
  speakGraphqlOverHttp(server, queries);
  guardGraphql(server, options);
  const schema = () => app.get(GraphQLSchemaHost).schema;
  const closeSockets = serveSockets(server.server as Server, schema, app.get<Reader>(READER), queries, options);
  server.addHook('preClose', (done) => {
    closeSockets();
    const late = setTimeout(() => server.server.closeAllConnections(), options.closeTimeoutMs ?? CLOSE_MS);
    server.server.once('close', () => clearTimeout(late));
    done();
  });
  app.useGlobalFilters(new ApiErrorFilter(options.log ?? SILENT));
  if (options.webRoot !== undefined) await serveStaticPage(server, options.webRoot);
}
