import type { Coverage, Gap } from '@whydrop/contracts';
import type { Reject } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';
import { claimStage, type StoredBatch } from './batch.js';
import { finishStore, storeRejects, type Touched } from './store-batch.js';

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

const span = (from: string, to: string): readonly [number, number] => [Date.parse(from) * 1000, Date.parse(to) * 1000];

/** The store stage of a coverage batch: which channels of which nodes were captured without a gap. */
export async function storeCoverage(database: Database, batch: StoredBatch, coverage: Coverage): Promise<boolean> {
  return database.transaction(async (client) => {
    if (!(await claimStage(client, batch.id, 'store'))) return false;
    for (const [node, channels] of Object.entries(coverage.nodes)) {
      for (const channel of channels) await storeStretch(client, batch, node, channel, coverage);
    }
    const context = span(coverage.from, coverage.to);
    await finishStore(client, batch, Object.keys(coverage.nodes).length, 0, {
      evidence: null,
      snapshots: null,
      context,
    });
    return true;
  });
}

/** A gap and the line that told it. */
export interface ToldGap {
  readonly gap: Gap;
  readonly line: number;
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

/** The store stage of a batch of gaps: what an emitter lost, and when, weakens every answer that leans on silence then. */
export async function storeGaps(
  database: Database,
  batch: StoredBatch,
  gaps: readonly ToldGap[],
  rejects: readonly Reject[],
): Promise<boolean> {
  return database.transaction(async (client) => {
    if (!(await claimStage(client, batch.id, 'store'))) return false;
    for (const told of gaps) await storeGap(client, batch, told);
    await storeRejects(client, batch, rejects);
    const spans = gaps.map(({ gap }) => span(gap.from, gap.to));
    const context: Touched['context'] =
      spans.length === 0 ? null : [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))];
    await finishStore(client, batch, gaps.length, rejects.length, { evidence: null, snapshots: null, context });
    return true;
  });
}
