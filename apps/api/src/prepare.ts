import { randomUUID } from 'node:crypto';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { ApiErrorFilter } from './http/api-error.filter.js';
import { SILENT, type ApiOptions } from './options.js';

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

/** A batch is bytes, whatever content type a client's tool sends with it: no parser may touch it. */
function leaveBatchesAlone(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.url?.split('?', 1)[0] === INGEST_PATH) request.headers['content-type'] = BATCH_TYPE;
    done();
  });
  server.addContentTypeParser(BATCH_TYPE, (_request, _payload, done) => done(null));
}

/** What the application needs beside its modules; to be called before it listens. */
export function prepareApi(app: NestFastifyApplication, options: ApiOptions): void {
  leaveBatchesAlone(app.getHttpAdapter().getInstance() as unknown as FastifyInstance);
  app.useGlobalFilters(new ApiErrorFilter(options.log ?? SILENT));
}
