import { randomUUID } from 'node:crypto';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { principalOf } from './auth/bearer.js';
import { mayAct, type AuthenticatedRequest } from './auth/token.guard.js';
import { GRAPHQL_PATH } from './graphql/server/graphql.config.js';
import { speakGraphqlOverHttp } from './graphql/server/over-http.js';
import { ApiError } from './http/api-error.js';
import { ApiErrorFilter, toApiError } from './http/api-error.filter.js';
import { SILENT, type ApiOptions } from './options.js';
import { serveStaticPage } from './web/static-page.js';

const INGEST_PATH = '/ingest/v1/batches';
const BATCH_TYPE = 'application/vnd.whydrop.batch';

/** The HTTP server under Nest. GraphQL requests are small; batches are read by ingest itself. */
export function createAdapter(): FastifyAdapter {
  return new FastifyAdapter({
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
  server.addHook('onRequest', async (request, reply) => {
    if (pathOf(request.raw.url) !== GRAPHQL_PATH) return;
    try {
      const principal = await principalOf(options, request.headers.authorization);
      if (!mayAct(principal, 'viewer')) throw new ApiError(403, 'FORBIDDEN', 'reading needs a token with role viewer');
      (request as AuthenticatedRequest).principal = principal;
    } catch (thrown) {
      const error = toApiError(thrown);
      if (error.status >= 500) log.error({ requestId: request.id, err: thrown }, error.message);
      const extensions = { code: error.code, requestId: request.id };
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
  leaveBatchesAlone(server);
  speakGraphqlOverHttp(server);
  guardGraphql(server, options);
  app.useGlobalFilters(new ApiErrorFilter(options.log ?? SILENT));
  if (options.webRoot !== undefined) await serveStaticPage(server, options.webRoot);
}
