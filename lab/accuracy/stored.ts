import { type BundleBatch, bundleBatches, openBundle } from '../../apps/cli/src/import/bundle.js';
import { COVERAGE_FORMAT, coverageSchema, envelopeSchema } from '@whydrop/contracts';
import { cutsOf, decodeStream, type FormatId, isFormat } from '@whydrop/decoders';
import type { CountedFacts } from '@whydrop/explain';
import type { Drop, Explanation } from '@whydrop/model';
import {
  correlateCluster,
  type Database,
  loadBatch,
  openDatabase,
  storeCoverage,
  storeDecoded,
  storeRawBatch,
} from '@whydrop/storage';
import { testDatabase } from '@whydrop/testing';
import type { Random } from '../verify/random.js';
import { type Answers, CHANNELS_WITHOUT, shuffled } from './evidence.js';

/** Lines of one piece of a log: a capture of some minutes becomes hundreds of batches. */
const PIECE = 500;
/** Batches between two runs of the correlation: most come late for the runs before them. */
const PER_RUN = 40;

function piecesOf(format: FormatId, text: string): readonly { text: string; firstLine: number }[] {
  const lines = text.split(/(?<=\n)/);
  const mayCut = cutsOf(format, lines);
  const pieces: { text: string; firstLine: number }[] = [];
  let from = 0;
  for (const at of lines.keys()) {
    if (at - from < PIECE || !mayCut(at)) continue;
    pieces.push({ text: lines.slice(from, at).join(''), firstLine: from + 1 });
    from = at;
  }
  return [...pieces, { text: lines.slice(from).join(''), firstLine: from + 1 }];
}

/** Logs in pieces, each a batch of its own. */
function inPieces({ envelope, payload }: BundleBatch): readonly BundleBatch[] {
  const { format, stream } = envelope;
  if (!stream.endsWith('.log') || !isFormat(format)) return [{ envelope, payload }];
  const pieces = piecesOf(format, payload.toString());
  return pieces.map(({ text, firstLine }, piece) => ({
    envelope: {
      ...envelope,
      sequence: (envelope.sequence + 1) * 100_000 + piece,
      firstLine: (envelope.firstLine ?? 1) + firstLine - 1,
    },
    payload: Buffer.from(text),
  }));
}

async function batchesOf(bundle: string): Promise<readonly BundleBatch[]> {
  const found: BundleBatch[] = [];
  for await (const batch of bundleBatches(await openBundle(bundle))) found.push(...inPieces(batch));
  return found;
}

/** Accepts and stores one batch as the API and the worker do; gives the cluster. */
async function store(database: Database, { envelope, payload }: BundleBatch): Promise<number> {
  const received = await storeRawBatch(database, envelopeSchema.parse(envelope), payload);
  const batch = await loadBatch(database, BigInt(received.batchId));
  if (!batch) throw new Error(`batch ${received.batchId} is not there`);
  if (batch.format === COVERAGE_FORMAT) {
    await storeCoverage(database, batch, coverageSchema.parse(JSON.parse(batch.payload)));
  } else if (isFormat(batch.format)) {
    await storeDecoded(database, batch, decodeStream(batch.format, batch.payload, batch), batch.receivedAt);
  }
  return batch.clusterId;
}

interface DropRow {
  readonly id: string;
  readonly first: bigint;
  readonly last: bigint;
  readonly source_port: number | null;
  readonly destination_port: number | null;
  readonly protocol: Drop['protocol'];
  readonly attempts: number;
  readonly packets: number;
  readonly detail: Pick<Drop, 'source' | 'destination' | 'original' | 'translatedSource'>;
  readonly body: Explanation;
}

function dropOf(row: DropRow): Drop {
  const { source, destination, original, translatedSource } = row.detail;
  return {
    id: row.id,
    cluster: '',
    firstSeenAt: Number(row.first),
    lastSeenAt: Number(row.last),
    source,
    sourcePort: row.source_port ?? undefined,
    destination,
    destinationPort: row.destination_port ?? undefined,
    protocol: row.protocol,
    original: original ?? undefined,
    translatedSource: translatedSource ?? undefined,
    attempts: row.attempts,
    packets: row.packets,
    explanation: row.body,
  };
}

interface CountedRow {
  readonly packets: bigint;
  readonly attributed: bigint;
  readonly facts: CountedFacts;
}

const MICROS = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::int8`;

async function storedAnswers({ pool }: Database): Promise<Answers> {
  const drops = await pool.query<DropRow>(
    `SELECT d.id, ${MICROS('d.first_seen_at')} AS first, ${MICROS('d.last_seen_at')} AS last, d.source_port,
            d.destination_port, d.protocol, d.attempts, d.packets, d.detail, x.body
       FROM "drop" d JOIN explanation x ON x.id = d.explanation_id ORDER BY d.first_seen_at, d.id`,
  );
  const counted = await pool.query<CountedRow>(
    'SELECT packets, attributed, facts FROM counted_drop ORDER BY to_time, id',
  );
  return { drops: drops.rows.map(dropOf), counted: counted.rows };
}

/**
 * What is stored after a capture came in as hundreds of batches in any order, a tenth of them twice, with runs of the
 * correlation in between. With everything that the nodes recorded.
 */
export async function storedInDisorder(bundle: string, random: Random): Promise<Answers> {
  const { url, drop } = await testDatabase();
  const database = openDatabase(url);
  try {
    const batches = shuffled(await batchesOf(bundle), random).flatMap((batch) =>
      random.chance(0.1) ? [batch, batch] : [batch],
    );
    let cluster = 0;
    for (const [at, batch] of batches.entries()) {
      cluster = await store(database, batch);
      if (at % PER_RUN === PER_RUN - 1) await correlateCluster(database, cluster);
    }
    await correlateCluster(database, cluster);
    return await storedAnswers(database);
  } finally {
    await database.close();
    await drop();
  }
}

export const STORED_LOOK = { level: 'trace', disorder: 'late', without: { channels: CHANNELS_WITHOUT.trace } } as const;
