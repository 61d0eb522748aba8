import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { reconcileDue } from '@whydrop/storage';
import { type Steps, STEPS } from './steps.js';

/** Milliseconds between two looks at what is due: what comes in meanwhile is compared at once. */
const EVERY_MS = 2_000;

/**
 * Holds what nodes run against what was written, where new snapshots or objects bear on it. What is due stands in
 * Postgres, so there is no job to be lost; several workers share the nodes between them.
 */
@Injectable()
export class Reconciler implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(@Inject(STEPS) private readonly steps: Steps) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running ??= this.run().finally(() => (this.running = undefined));
    }, EVERY_MS);
  }

  private async run(): Promise<void> {
    const { database, log } = this.steps;
    try {
      const { nodes, compared, leftOut, failed } = await reconcileDue(database);
      if (compared > 0) log.info({ nodes, compared, leftOut }, 'nodes compared with what was written');
      for (const each of failed) log.error(each, 'a node could not be compared; the others were');
    } catch (error) {
      log.error({ error: String(error) }, 'the comparison of nodes with what was written failed');
    }
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}
