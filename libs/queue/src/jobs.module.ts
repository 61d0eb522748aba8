import { BullModule, BullRegistrar, OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import type { Job } from 'bullmq';
import { bullOptions, chooseBackendOfProcess, type JobBackend } from './backend.js';
import { Consumer } from './consumer.js';
import type { JobHandler } from './job.js';
import { WORKER_LOCKS } from './worker.js';

/** A queue and what is done with its jobs. */
export interface JobStep {
  readonly queue: string;
  readonly concurrency: number;
  readonly process: JobHandler;
}

export interface JobsOptions {
  readonly backend: JobBackend;
  readonly steps: readonly JobStep[];
  /** Told of jobs that failed and of lost connections. */
  readonly onError?: (error: Error, jobId: string | undefined) => void;
}

const JOBS_OPTIONS = Symbol('JOBS_OPTIONS');

/**
 * The processor of one step. Its worker stops in onModuleDestroy: @nestjs/bullmq would close it in the last phase of a shutdown,
 * when the connections that its job needs are gone.
 */
function processorOf(step: JobStep, { backend, onError = () => undefined }: JobsOptions): Type<WorkerHost> {
  const consumer = new Consumer(backend);
  @Processor(step.queue, { ...consumer.options, ...WORKER_LOCKS, concurrency: step.concurrency })
  class StepProcessor extends WorkerHost implements OnModuleDestroy {
    process(job: Job): Promise<void> {
      return consumer.run(step.process, job);
    }

    @OnWorkerEvent('error')
    lost(error: Error): void {
      onError(error, undefined);
    }

    @OnWorkerEvent('failed')
    failed(job: Job | undefined, error: Error): void {
      onError(error, job?.id);
    }

    onModuleDestroy(): Promise<void> {
      return consumer.close(this.worker);
    }
  }
  return StepProcessor;
}

/** Starts the workers when everything they need is there, not while modules are still being made. */
@Injectable()
class JobsStart implements OnApplicationBootstrap {
  constructor(
    @Inject(BullRegistrar) private readonly registrar: BullRegistrar,
    @Inject(JOBS_OPTIONS) private readonly options: JobsOptions,
  ) {}

  onApplicationBootstrap(): void {
    chooseBackendOfProcess(this.options.backend);
    this.registrar.register();
  }
}

/** The consumers of a Nest process. Producers are opened with `openQueue`. */
@Module({})
export class JobsModule {
  static forRoot(options: JobsOptions): DynamicModule {
    const manual = { ...bullOptions(options.backend), extraOptions: { manualRegistration: true } };
    return {
      module: JobsModule,
      // No queue is registered, which would be a producer that nobody uses; registering none brings in the workers' part.
      imports: [BullModule.forRoot(manual), BullModule.registerQueue()],
      providers: [
        { provide: JOBS_OPTIONS, useValue: options },
        ...options.steps.map((step) => processorOf(step, options)),
        JobsStart,
      ],
    };
  }
}
