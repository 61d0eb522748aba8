import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { applyRetention, DEFAULT_RETENTION, type RetentionPolicy } from '@whydrop/storage';
import { type Steps, STEPS } from './steps.js';

const HOUR_MS = 3_600_000;

/** Takes away what is older than is kept: at start, and every hour. Of several workers one does it. */
@Injectable()
export class Janitor implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(@Inject(STEPS) private readonly steps: Steps & { readonly retention?: RetentionPolicy }) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
    this.timer = setInterval(() => {
      this.running = this.running.then(() => this.run());
    }, HOUR_MS);
  }

  private async run(): Promise<void> {
    const { database, log, now, retention = DEFAULT_RETENTION } = this.steps;
    try {
      const result = await applyRetention(database, retention, now());
      if (!result) return;
      const { partitions, busy, rows } = result;
      if (partitions.length + busy.length + rows > 0) log.info({ partitions, busy, rows }, 'old data removed');
    } catch (error) {
      log.error({ error: String(error) }, 'old data could not be removed');
    }
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}
