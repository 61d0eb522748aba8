import { Inject, Injectable } from '@nestjs/common';
import { storeJobId, type Envelope } from '@whydrop/contracts';
import { isDataError, storeRawBatch, type Principal } from '@whydrop/storage';
import type { Readable } from 'node:stream';
import { ApiError } from '../http/api-error.js';
import {
  API_OPTIONS,
  DEFAULT_INGEST_LIMITS,
  SILENT,
  type ApiOptions,
  type IngestLimits,
  type Log,
} from '../options.js';
import { ByteBudget } from './byte-budget.js';
import { checkBatch } from './check-batch.js';
import { checkBound } from './check-bound.js';
import { RateLimit } from './rate-limit.js';
import { contentEncoding, readBody } from './read-body.js';

/** Answer to a batch that was taken. */
export interface Accepted {
  readonly accepted: true;
  readonly duplicate: boolean;
  readonly batchId: string;
}

const ENQUEUE_MS = 1_000;

/** Receives batches: limits, reading, the row in Postgres, the pointer in the queue. */
@Injectable()
export class IngestService {
  private readonly limits: IngestLimits;
  private readonly budget: ByteBudget;
  private readonly rate: RateLimit;
  private readonly log: Log;

  constructor(@Inject(API_OPTIONS) private readonly options: ApiOptions) {
    this.limits = { ...DEFAULT_INGEST_LIMITS, ...options.ingestLimits };
    this.budget = new ByteBudget(this.limits.inFlightBytes);
    this.rate = new RateLimit(this.limits, options.now ?? Date.now);
    this.log = options.log ?? SILENT;
  }

  async receive(principal: Principal, body: Readable, encoding: string | undefined): Promise<Accepted> {
    this.rate.admit(principal.tokenId);
    const account = this.budget.open();
    try {
      const sent = (bytes: number) => this.rate.sent(principal.tokenId, bytes);
      const bytes = await readBody(body, contentEncoding(encoding), this.limits, account.take, sent);
      const { envelope, payload } = checkBatch(bytes, this.options.knownFormats);
      checkBound(principal, envelope);
      return await this.keep(envelope, payload);
    } finally {
      account.release();
    }
  }

  private async keep(envelope: Envelope, payload: Buffer): Promise<Accepted> {
    const stored = await this.store(envelope, payload);
    if (stored.kind === 'conflict') {
      const { cluster, node, stream, epoch, sequence } = envelope;
      const message = 'a batch with this key and other content is stored already';
      throw new ApiError(409, 'CONFLICT', message, { key: { cluster, node, stream, epoch, sequence } });
    }
    if (!stored.worked) await this.enqueue(stored.batchId);
    return { accepted: true, duplicate: stored.duplicate, batchId: stored.batchId };
  }

  private async store(envelope: Envelope, payload: Buffer) {
    try {
      return await storeRawBatch(this.options.database, envelope, payload);
    } catch (error) {
      if (!isDataError(error)) throw error;
      throw new ApiError(400, 'BAD_ENVELOPE', 'the envelope holds a value that cannot be stored', {
        field: 'envelope',
      });
    }
  }

  /** The batch is safe in Postgres: without a job the sweep finds it, so neither an error nor waiting is passed on. */
  private async enqueue(batchId: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the queue did not answer within ${ENQUEUE_MS} ms`)), ENQUEUE_MS);
    });
    try {
      const job = this.options.storeQueue.enqueue('store', storeJobId(batchId), { version: 1, batchId });
      await Promise.race([job, late]);
    } catch (err) {
      this.log.warn({ err, batchId }, 'a batch was stored without a job; the sweep will find it');
    } finally {
      clearTimeout(timer);
    }
  }
}
