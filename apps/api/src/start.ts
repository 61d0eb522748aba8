import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiModule } from './api.module.js';
import type { ApiOptions } from './options.js';
import { createAdapter, prepareApi } from './prepare.js';
import { findWebRoot, isWebRoot } from './web/web-root.js';

export interface ApiConfig extends ApiOptions {
  readonly host?: string;
  /** 0 for any free port. */
  readonly port?: number;
}

export interface RunningApi {
  readonly url: string;
  /** Takes no new request, answers those under way. The database and the queue stay open: they are the caller's. */
  close(): Promise<void>;
}

export const DEFAULT_PORT = 4270;

/** Serves the API, and the page when it was built. */
export async function startApi(given: ApiConfig): Promise<RunningApi> {
  const { webRoot: wanted, ...rest } = given;
  const webRoot = wanted === undefined ? findWebRoot() : isWebRoot(wanted) ? wanted : undefined;
  const config = { ...rest, ...(webRoot === undefined ? {} : { webRoot }) };
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.forRoot(config), createAdapter(config), {
    abortOnError: false,
    logger: ['error', 'warn'],
  });
  await prepareApi(app, config);
  await app.listen(config.port ?? DEFAULT_PORT, config.host ?? '127.0.0.1');
  return { url: await app.getUrl(), close: () => app.close() };
}
