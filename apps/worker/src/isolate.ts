import { cutsOf, type Decoded, isFormat, isLog } from '@whydrop/decoders';
import type { Instant, Reject } from '@whydrop/model';
import {
  type BatchPart,
  type Database,
  finishParts,
  forgetPartAttempt,
  isOfTheInput,
  splitPart,
  storePart,
  takePart,
  type StoredBatch,
} from '@whydrop/storage';

/** A record on which the worker died this often, alone, is kept as a reject. */
const MAX_ALONE = 3;

export type Read = (batch: StoredBatch) => Iterable<Decoded>;

/** Lines with their ends; numbers as decoders count them. */
function linesOf(payload: string): readonly string[] {
  return payload.split(/(?<=\n)/);
}

function partOf(batch: StoredBatch, lines: readonly string[], { firstLine, lastLine }: BatchPart): StoredBatch {
  const payload = lines.slice(firstLine - 1, lastLine).join('');
  return { ...batch, payload, firstLine: batch.firstLine + firstLine - 1 };
}

/** The line nearest behind the middle at which a part may be cut in two; else one before it; undefined when it is one record. */
function cutOf(
  { format }: StoredBatch,
  lines: readonly string[],
  { firstLine, lastLine }: BatchPart,
): number | undefined {
  if (!isFormat(format) || !isLog(format)) return undefined;
  const mayCut = cutsOf(format, lines);
  const may = (line: number) => mayCut(line - 1);
  const middle = Math.floor((firstLine + lastLine) / 2) + 1;
  for (let line = middle; line <= lastLine; line++) if (may(line)) return line;
  for (let line = middle - 1; line > firstLine; line--) if (may(line)) return line;
  return undefined;
}

function harmful(part: StoredBatch, attempts: number): Reject {
  const detail = `the worker died or failed ${attempts} times on this record alone; its log says why`;
  return { kind: 'reject', line: part.firstLine, reason: 'FAILED', detail, raw: part.payload.slice(0, 4096).trimEnd() };
}

/** An error is no crash, but it condemns a part just as well: it is tried again, and halved. */
async function tryPart(database: Database, batch: StoredBatch, read: Read, part: BatchPart, now: Instant) {
  const lines = linesOf(batch.payload);
  const own = partOf(batch, lines, part);
  const cut = cutOf(batch, lines, part);
  if (cut === undefined && part.attempts > MAX_ALONE) {
    await storePart(database, batch, part, [harmful(own, MAX_ALONE)], now);
  } else if (cut !== undefined && part.attempts > 1) await splitPart(database, batch, part, cut);
  else await storePart(database, batch, part, read(own), now);
}

/**
 * Stores a batch that as a whole kept killing its worker part by part. A part that does it again is halved, until the record
 * alone is left that does it: that one is kept as a reject. Attempts stand in Postgres, so it goes on where the last worker died.
 */
export async function isolate(database: Database, batch: StoredBatch, read: Read, now: Instant): Promise<boolean> {
  const lines = linesOf(batch.payload).length;
  for (let part = await takePart(database, batch, lines); part; part = await takePart(database, batch, lines)) {
    try {
      await tryPart(database, batch, read, part, now);
    } catch (error) {
      if (!isOfTheInput(error)) await forgetPartAttempt(database, batch, part);
      throw error;
    }
  }
  return finishParts(database, batch);
}
