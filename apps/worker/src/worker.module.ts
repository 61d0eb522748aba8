import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type JobBackend, type JobWorker, startWorker } from '@whydrop/queue';
import { PIPELINE } from './pipeline.js';
import type { Steps } from './steps.js';
import { sweep } from './sweep.js';

export interface WorkerOptions extends Steps {
  readonly backend: JobBackend;
  /** Milliseconds between two sweeps. */
  readonly sweepEveryMs?: number;
}

const WORKER_OPTIONS = Symbol('WORKER_OPTIONS');

/** Runs the pipeline's consumers. They stop first at shutdown and let their job end; connections are closed after. */
@Injectable()
export class Pipeline implements OnApplicationBootstrap, OnModuleDestroy {
  private workers: readonly JobWorker[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<unknown> = Promise.resolve();

  constructor(@Inject(WORKER_OPTIONS) private readonly options: WorkerOptions) {}

  onApplicationBootstrap(): void {
    const { backend, sweepEveryMs = 5_000 } = this.options;
    this.workers = PIPELINE.map(({ queue, concurrency, process }) =>
      startWorker(backend, queue, (job) => process(job, this.options), { concurrency }),
    );
    this.runSweep(0);
    this.timer = setInterval(() => this.runSweep(), sweepEveryMs);
  }

  /** At start everything open is looked at, whatever its age: the last process may have died over it. */
  private runSweep(olderThan?: number): void {
    this.sweeping = this.sweeping
      .then(() => sweep(this.options, olderThan))
      .catch((error: unknown) => this.options.log.error({ error: String(error) }, 'sweep failed'));
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.sweeping, ...this.workers.map((worker) => worker.close())]);
  }
}

@Module({})
export class WorkerModule {
  static forRoot(options: WorkerOptions): DynamicModule {
    return { module: WorkerModule, providers: [{ provide: WORKER_OPTIONS, useValue: options }, Pipeline] };
  }
}
