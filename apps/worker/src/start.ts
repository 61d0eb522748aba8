import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { WorkerModule, type WorkerOptions } from './worker.module.js';

export interface RunningWorker {
  /** Takes no new job and waits for those that run. Database and queues stay open: they are the caller's. */
  close(): Promise<void>;
}

export async function startPipeline(options: WorkerOptions): Promise<RunningWorker> {
  const app = await NestFactory.createApplicationContext(WorkerModule.forRoot(options), {
    abortOnError: false,
    logger: ['error', 'warn'],
  });
  return { close: () => app.close() };
}
