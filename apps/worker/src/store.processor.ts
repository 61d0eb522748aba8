import { coverageSchema, COVERAGE_FORMAT, correlateJobId, GAP_FORMAT, storeJobSchema } from '@whydrop/contracts';
import { type Decoded, decodeStream, isFormat } from '@whydrop/decoders';
import {
  countAttempt,
  type Database,
  loadBatch,
  storeCoverage,
  storeDecoded,
  storeGaps,
  type StoredBatch,
} from '@whydrop/storage';
import type { Reject } from '@whydrop/model';
import type { Job, Steps } from './steps.js';
import { readGaps } from './gap-lines.js';

/** A batch on which the work failed or the worker died this often is kept as one reject, and the rest goes on. */
export const MAX_ATTEMPTS = 5;

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

async function storeBatch(database: Database, batch: StoredBatch, attempts: number, now: number): Promise<boolean> {
  if (attempts > MAX_ATTEMPTS) {
    const detail = `the batch could not be worked on in ${MAX_ATTEMPTS} attempts; the worker's log says why`;
    return storeDecoded(database, batch, [refused(batch, 'FAILED', detail)], now);
  }
  if (batch.format === GAP_FORMAT) {
    const { gaps, rejects } = readGaps(batch.payload, batch.firstLine);
    return storeGaps(database, batch, gaps, rejects);
  }
  if (batch.format !== COVERAGE_FORMAT) return storeDecoded(database, batch, decoded(batch), now);
  const coverage = coverageSchema.safeParse(parseJson(batch.payload));
  if (coverage.success) return storeCoverage(database, batch, coverage.data);
  const detail = `not a coverage record: ${coverage.error.issues[0]?.message ?? 'not JSON'}`;
  return storeDecoded(database, batch, [refused(batch, 'BAD_VALUE', detail)], now);
}

/** Decode, normalise and store one batch; then ask for its cluster to be correlated. */
export async function processStore(job: Job, { database, correlateQueue, log, now }: Steps): Promise<void> {
  const { batchId } = storeJobSchema.parse(job.data);
  const id = BigInt(batchId);
  const attempts = await countAttempt(database, id);
  const batch = await loadBatch(database, id);
  if (!batch) {
    log.warn({ batchId }, 'a job names a batch that is not there');
    return;
  }
  const stored = await storeBatch(database, batch, attempts, now());
  log.info({ batchId, stream: batch.stream, format: batch.format, attempts, stored }, 'batch stored');
  await correlateQueue.enqueue('correlate', correlateJobId(batch.clusterId, batchId), {
    version: 1,
    clusterId: batch.clusterId,
  });
}
