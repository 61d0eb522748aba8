import type { Coverage, Gap } from '@whydrop/contracts';
import type { Instant, Reject } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';
import { claimStage, type StoredBatch } from './batch.js';
import { refusalOf } from './refusal.js';
import { finishStore, storeRejects } from './store-batch.js';
import type { Touched } from './touched.js';

const MAKE_EMITTER = `
  INSERT INTO emitter (cluster_id, node) VALUES ($1, $2)
  ON CONFLICT (cluster_id, node) DO UPDATE SET node = excluded.node RETURNING id`;

/** A stretch that joins on to one that is known makes that one longer: a channel that lives for a year is one row. */
const EXTEND = `
  UPDATE coverage SET to_time = greatest(to_time, $4)
   WHERE id = (SELECT id FROM coverage WHERE emitter_id = $1 AND channel = $2 AND from_time <= $3 AND to_time >= $3
                ORDER BY to_time DESC LIMIT 1 FOR UPDATE)`;

const ADD = `
  INSERT INTO coverage (emitter_id, channel, from_time, to_time, batch_id) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING`;

async function storeStretch(
  client: pg.PoolClient,
  batch: StoredBatch,
  node: string,
  channel: string,
  { from, to }: Coverage,
) {
  const emitter = (await client.query<{ id: number }>(MAKE_EMITTER, [batch.clusterId, node])).rows[0]?.id;
  const { rowCount } = await client.query(EXTEND, [emitter, channel, from, to]);
  if (rowCount === 0) await client.query(ADD, [emitter, channel, from, to, batch.id]);
}

type Span = readonly [Instant, Instant];

const span = (from: string, to: string): Span => [Date.parse(from) * 1000, Date.parse(to) * 1000];

function refused(line: number, raw: string, detail: string): Reject {
  return { kind: 'reject', line, reason: 'BAD_VALUE', detail: `PostgreSQL does not take it: ${detail}`, raw };
}

/** The store stage of a coverage batch: which channels of which nodes were captured without a gap. */
export async function storeCoverage(database: Database, batch: StoredBatch, coverage: Coverage): Promise<boolean> {
  return database.transaction(async (client) => {
    if (!(await claimStage(client, batch.id, 'store'))) return false;
    const rejects: Reject[] = [];
    for (const [node, channels] of Object.entries(coverage.nodes)) {
      for (const channel of channels) {
        const detail = await refusalOf(client, () => storeStretch(client, batch, node, channel, coverage));
        if (detail !== undefined) rejects.push(refused(batch.firstLine, batch.payload.slice(0, 4096), detail));
      }
    }
    await storeRejects(client, batch, rejects);
    const context = span(coverage.from, coverage.to);
    const nodes = Object.keys(coverage.nodes).length;
    await finishStore(client, batch, nodes, rejects.length, { evidence: null, snapshots: null, context });
    return true;
  });
}

/** A gap and the line that told it. */
export interface ToldGap {
  readonly gap: Gap;
  readonly line: number;
  /** The line itself, or as much of it as a reject keeps. */
  readonly raw: string;
}

const INSERT_GAP = `
  INSERT INTO gap (batch_id, line, emitter_id, stream, channel, reason, from_time, to_time, records, epoch,
                   first_sequence, last_sequence, detail)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`;

async function storeGap(client: pg.PoolClient, batch: StoredBatch, { gap, line }: ToldGap): Promise<void> {
  const { stream, channel, reason, from, to, records, epoch, firstSequence, lastSequence, detail } = gap;
  const place = [records, epoch, firstSequence, lastSequence, detail?.replaceAll('\0', ' ') ?? null];
  await client.query(INSERT_GAP, [batch.id, line, batch.emitterId, stream, channel, reason, from, to, ...place]);
}

function contextOf(gaps: readonly ToldGap[]): Touched['context'] {
  const joined = (known: Span | null, [from, to]: Span): Span =>
    known ? [Math.min(known[0], from), Math.max(known[1], to)] : [from, to];
  return gaps.map(({ gap }) => span(gap.from, gap.to)).reduce<Span | null>(joined, null);
}

/**
 * The store stage of a batch of gaps: what an emitter lost, and when, weakens every answer that leans on silence then. A
 * line that PostgreSQL does not take becomes a reject beside those that were found before.
 */
export async function storeGaps(
  database: Database,
  batch: StoredBatch,
  gaps: readonly ToldGap[],
  rejects: readonly Reject[],
): Promise<boolean> {
  return database.transaction(async (client) => {
    if (!(await claimStage(client, batch.id, 'store'))) return false;
    const stored: ToldGap[] = [];
    const all = [...rejects];
    for (const told of gaps) {
      const detail = await refusalOf(client, () => storeGap(client, batch, told));
      if (detail === undefined) stored.push(told);
      else all.push(refused(told.line, told.raw, detail));
    }
    await storeRejects(client, batch, all);
    const touched = { evidence: null, snapshots: null, context: contextOf(stored) };
    await finishStore(client, batch, stored.length, all.length, touched);
    return true;
  });
}
