import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type JobBackend, JobsModule } from '@whydrop/queue';
import type { RetentionPolicy } from '@whydrop/storage';
import { Alerter } from './alerter.js';
import { Deliverer, type DeliveryOptions } from './deliver.js';
import { Janitor } from './janitor.js';
import { PIPELINE } from './pipeline.js';
import { queueLog } from './queue-log.js';
import { Reconciler } from './reconciler.js';
import { type Steps, STEPS } from './steps.js';
import { type Sweep, sweep } from './sweep.js';

export interface WorkerOptions extends Steps {
  readonly backend: JobBackend;
  /** Milliseconds between two sweeps. */
  readonly sweepEveryMs?: number;
  /** How receivers are told of alerts; left out: this process tells nobody. */
  readonly delivery?: DeliveryOptions;
  /** How long data are kept; DEFAULT_RETENTION when left out. */
  readonly retention?: RetentionPolicy;
}

const WORKER_OPTIONS = Symbol('WORKER_OPTIONS');

/** Looks for batches without a job, now and then. It stops with the consumers; connections are closed after. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> = Promise.resolve();

  constructor(@Inject(WORKER_OPTIONS) private readonly options: WorkerOptions) {}

  onApplicationBootstrap(): void {
    // At start everything open is looked at, whatever its age: the last process may have died over it.
    this.run({ olderThanSeconds: 0, name: `start-${this.options.now()}` });
    this.run({ olderThanSeconds: 0 });
    this.timer = setInterval(() => this.run(), this.options.sweepEveryMs ?? 2_000);
  }

  private run(how?: Sweep): void {
    this.running = this.running
      .then(() => sweep(this.options, how))
      .catch((error: unknown) => this.options.log.error({ error: String(error) }, 'sweep failed'));
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }
}

/** Tells receivers of alerts, as long as the process runs. */
@Injectable()
export class Delivery implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly deliverer: Deliverer | undefined;

  constructor(@Inject(WORKER_OPTIONS) { database, delivery, log }: WorkerOptions) {
    if (delivery) this.deliverer = new Deliverer(database, delivery, log);
  }

  onApplicationBootstrap(): void {
    this.deliverer?.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.deliverer?.stop();
  }
}

/** The pipeline's consumers and the sweep. */
@Module({})
export class WorkerModule {
  static forRoot(options: WorkerOptions): DynamicModule {
    const steps = PIPELINE.map((step) => ({
      ...step,
      process: (job: { data: unknown }) => step.process(job, options),
    }));
    const onError = queueLog(options.log);
    return {
      module: WorkerModule,
      imports: [JobsModule.forRoot({ backend: options.backend, steps, onError })],
      providers: [
        { provide: WORKER_OPTIONS, useValue: options },
        { provide: STEPS, useValue: options },
        Sweeper,
        Alerter,
        Delivery,
        Reconciler,
        Janitor,
      ],
    };
  }
}
