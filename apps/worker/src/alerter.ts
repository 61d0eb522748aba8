import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { evaluateAlerts, syncRules } from '@whydrop/storage';
import { rulesOfFile } from './alert-file.js';
import { type Steps, STEPS } from './steps.js';

/** Pause between two looks: an alert is out within this, the time a batch takes, and the time its receiver takes. */
const EVERY_MS = 2_000;

/** Evaluates alert rules, as long as the process runs. Several processes may: a cluster is looked at by one at a time. */
@Injectable()
export class Alerter implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(@Inject(STEPS) private readonly steps: Steps) {}

  async onApplicationBootstrap(): Promise<void> {
    await syncRules(this.steps.database, await rulesOfFile(process.env));
    this.next();
  }

  private next(): void {
    this.timer = setTimeout(() => {
      this.running = this.look().finally(() => {
        if (!this.stopped) this.next();
      });
    }, EVERY_MS);
  }

  private async look(): Promise<void> {
    const { database, log, now } = this.steps;
    try {
      const { told, failed } = await evaluateAlerts(database, now());
      if (told > 0) log.info({ told }, 'alerts told');
      for (const each of failed) log.error(each, 'what could not be evaluated; the others were');
    } catch (error) {
      log.error({ error: String(error) }, 'alerts could not be evaluated');
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }
}
