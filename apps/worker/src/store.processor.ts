import {
  coverageSchema,
  COVERAGE_FORMAT,
  correlateJobId,
  GAP_FORMAT,
  storeJobId,
  storeJobSchema,
} from '@whydrop/contracts';
import { type Decoded, decodeStream, isFormat } from '@whydrop/decoders';
import {
  attemptsOf,
  countAttempt,
  type Database,
  forgetAttempt,
  isOfTheInput,
  isStored,
  loadBatch,
  lockBatch,
  storeCoverage,
  storeDecoded,
  storeGaps,
  type StoredBatch,
  waitingFor,
} from '@whydrop/storage';
import { COUNTED_FORMATS, type Reject } from '@whydrop/model';
import { isolate, type Read } from './isolate.js';
import { Quarantine } from './quarantine.js';
import type { Job, Steps } from './steps.js';
import { readGaps } from './gap-lines.js';
import { wholeBatch } from './whole.js';

/** A batch on which the work failed or the worker died this often is stored in parts, until the record is found that does it. */
const MAX_ATTEMPTS = 5;

const quarantine = new Quarantine();

function refused(batch: StoredBatch, reason: Reject['reason'], detail: string): Reject {
  return { kind: 'reject', line: batch.firstLine, reason, detail, raw: batch.payload.slice(0, 4096) };
}

/** Everything a payload says, in our words; a format that this version does not read is one reject. */
function decoded(batch: StoredBatch): Iterable<Decoded> {
  if (!isFormat(batch.format)) {
    return [refused(batch, 'UNSUPPORTED', `no decoder reads the format '${batch.format}'`)];
  }
  const { observedFrom, observedTo, firstLine, attributes } = batch;
  return decodeStream(batch.format, batch.payload, { observedFrom, observedTo, firstLine, attributes });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What we say ourselves: of one piece, and what is wrong in it is found line by line. */
const isOurs = (format: string) => format === GAP_FORMAT || format === COVERAGE_FORMAT;

async function storeWhole(database: Database, batch: StoredBatch, read: Read, now: number): Promise<boolean> {
  if (batch.format === GAP_FORMAT) {
    const { gaps, rejects } = readGaps(batch.payload, batch.firstLine);
    return storeGaps(database, batch, gaps, rejects);
  }
  if (batch.format !== COVERAGE_FORMAT) return storeDecoded(database, batch, read(batch), now);
  const coverage = coverageSchema.safeParse(parseJson(batch.payload));
  if (coverage.success) return storeCoverage(database, batch, coverage.data);
  const detail = `not a coverage record: ${coverage.error.issues[0]?.message ?? 'not JSON'}`;
  return storeDecoded(database, batch, [refused(batch, 'BAD_VALUE', detail)], now);
}

/** What we say ourselves is not cut into parts: as a whole it becomes a reject. */
function storeCornered(database: Database, batch: StoredBatch, read: Read, now: number): Promise<boolean> {
  if (!isOurs(batch.format)) return isolate(database, batch, read, now);
  const detail = `the worker died or failed ${MAX_ATTEMPTS} times on this batch; its log says why`;
  return storeDecoded(database, batch, [refused(batch, 'FAILED', detail)], now);
}

/**
 * An attempt counts when nobody else is at the batch: one that lasts so long that its job was given out again is not one that
 * died. What is the database's own trouble is not the batch's fault either. A suspect is left to whoever is at it: stored beside that
 * as a whole it would kill once more, and tell nothing.
 */
async function attempt(database: Database, batch: StoredBatch, read: Read, now: number): Promise<boolean> {
  const lock = await lockBatch(database, batch.id);
  if (lock.kind === 'busy') {
    const suspect = (await attemptsOf(database, batch.id)) >= MAX_ATTEMPTS;
    return !suspect && quarantine.together(() => storeWhole(database, batch, read, now));
  }
  try {
    const attempts = await countAttempt(database, batch.id);
    const work =
      attempts > MAX_ATTEMPTS
        ? quarantine.alone(() => storeCornered(database, batch, read, now))
        : quarantine.together(() => storeWhole(database, batch, read, now));
    return await work.catch(async (error: unknown) => {
      if (!isOfTheInput(error)) await forgetAttempt(database, batch.id);
      throw error;
    });
  } finally {
    await lock.release();
  }
}

/** Stores a batch once. False when it was stored before; undefined when it waits for the one that it is told by. */
async function storeOnce(database: Database, batch: StoredBatch, now: number): Promise<boolean | undefined> {
  if (await isStored(database, batch.id)) return false;
  const whole = await wholeBatch(database, batch, now);
  if (whole.kind === 'waits') return undefined;
  if (whole.kind === 'whole') return attempt(database, whole.batch, decoded, now);
  return attempt(database, batch, (part) => [refused(part, whole.reason, whole.detail)], now);
}

/** Those that came before the batch that they are told by are next. One that looks for it right now is found by the sweep. */
async function wakeWaiting({ database, storeQueue }: Steps, { id, base, format }: StoredBatch): Promise<void> {
  if (base !== undefined || !COUNTED_FORMATS.includes(format)) return;
  for (const waiting of await waitingFor(database, id)) {
    await storeQueue.enqueue('store', storeJobId(String(waiting)), { version: 1, batchId: String(waiting) });
  }
}

/** Decode, normalise and store one batch; then ask for its cluster to be correlated. */
export async function processStore(job: Job, steps: Steps): Promise<void> {
  const { database, correlateQueue, log, now } = steps;
  const { batchId } = storeJobSchema.parse(job.data);
  const batch = await loadBatch(database, BigInt(batchId));
  if (!batch) {
    log.warn({ batchId }, 'a job names a batch that is not there');
    return;
  }
  const stored = await storeOnce(database, batch, now());
  if (stored === undefined) {
    log.info(
      { batchId, stream: batch.stream, base: String(batch.base) },
      'a batch waits for the one that it is told by',
    );
    return;
  }
  log.info({ batchId, stream: batch.stream, format: batch.format, stored }, 'batch stored');
  await wakeWaiting(steps, batch);
  await correlateQueue.enqueue('correlate', correlateJobId(batch.clusterId, batchId), {
    version: 1,
    clusterId: batch.clusterId,
  });
}
