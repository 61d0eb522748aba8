import type { Instant } from '@whydrop/model';
import { COLLECTOR_FIELDS, type CollectorCondition } from './collector-condition.js';
import { conditionSql, Params } from './condition.js';
import { type Quality, readQuality } from './loss.read-model.js';
import { microsOf } from './page.js';
import type { Reader, Statement } from './reader.js';

/** What one node shipped in one format. */
export interface CollectorFormat {
  readonly format: string;
  readonly streams: number;
  readonly batches: bigint;
  readonly payloadBytes: bigint;
  readonly rejects: bigint;
  /** Batches that were numbered and never came. */
  readonly missingBatches: bigint;
  /** Batches that are not worked through yet. */
  readonly openBatches: bigint;
  readonly lastReceivedAt: Instant;
  readonly lastObservedAt: Instant | null;
}

/** Numbers missing in one epoch of one stream. */
export interface SequenceGap {
  readonly stream: string;
  readonly epoch: string;
  readonly lastSequence: string;
  readonly missingBatches: bigint;
}

/** One node of a cluster (null for the cluster itself) with everything it shipped. */
export interface Collector extends Quality {
  readonly cluster: string;
  readonly node: string | null;
  readonly formats: readonly CollectorFormat[];
  /** At most MAX_GAPS, the widest first. */
  readonly gaps: readonly SequenceGap[];
}

const MAX_GAPS = 100;
const MAX_COLLECTORS = 5000;

/** One row per node and format. Sequences start at 0, so an epoch misses its last number plus one, less its batches. */
export function collectorsStatement(condition: CollectorCondition): Statement {
  const params = new Params();
  const where = conditionSql(COLLECTOR_FIELDS, condition, params);
  const text = `
WITH epochs AS (
  SELECT c.name AS cluster, e.node, b.format, b.stream, b.epoch, max(b.sequence) AS last_sequence, count(*) AS batches,
         sum(b.payload_bytes) AS payload_bytes, sum(s.rejects) AS rejects,
         count(*) FILTER (WHERE b.finished_at IS NULL) AS open_batches,
         max(b.received_at) AS received_at, max(coalesce(b.observed_to, b.observed_from)) AS observed_at
  FROM raw_batch b
  JOIN emitter e ON e.id = b.emitter_id
  JOIN cluster c ON c.id = e.cluster_id
  LEFT JOIN batch_stage s ON s.batch_id = b.id AND s.stage = 'store'
  WHERE ${where}
  GROUP BY c.name, e.node, b.format, b.stream, b.epoch
), gaps AS (
  SELECT cluster, node, format, stream, epoch, last_sequence, last_sequence + 1 - batches AS missing,
         row_number() OVER (PARTITION BY cluster, node, format ORDER BY last_sequence + 1 - batches DESC, stream, epoch) AS place
  FROM epochs WHERE last_sequence + 1 > batches
)
SELECT cluster, nullif(node, '') AS node, format, count(DISTINCT stream)::int AS streams,
       sum(batches)::int8 AS batches, sum(payload_bytes)::int8 AS "payloadBytes",
       coalesce(sum(rejects), 0)::int8 AS rejects, sum(open_batches)::int8 AS "openBatches",
       sum(last_sequence + 1 - batches)::int8 AS "missingBatches",
       ${microsOf('max(received_at)')} AS "lastReceivedAt", ${microsOf('max(observed_at)')} AS "lastObservedAt",
       (SELECT jsonb_agg(jsonb_build_object('stream', g.stream, 'epoch', g.epoch::text,
                                            'lastSequence', g.last_sequence::text, 'missingBatches', g.missing::text)
                         ORDER BY g.place)
        FROM gaps g
        WHERE (g.cluster, g.node, g.format) = (epochs.cluster, epochs.node, epochs.format) AND g.place <= ${MAX_GAPS}) AS gaps
FROM epochs
GROUP BY cluster, node, format
ORDER BY cluster, epochs.node, format
LIMIT ${MAX_COLLECTORS}`;
  return { text, values: params.values };
}

interface Raw extends Omit<CollectorFormat, 'lastReceivedAt' | 'lastObservedAt'> {
  readonly cluster: string;
  readonly node: string | null;
  readonly lastReceivedAt: bigint;
  readonly lastObservedAt: bigint | null;
  readonly gaps: readonly (Omit<SequenceGap, 'missingBatches'> & { readonly missingBatches: string })[] | null;
}

function formatOf(raw: Raw): CollectorFormat {
  const { cluster: _cluster, node: _node, gaps: _gaps, ...format } = raw;
  return {
    ...format,
    lastReceivedAt: Number(raw.lastReceivedAt),
    lastObservedAt: raw.lastObservedAt === null ? null : Number(raw.lastObservedAt),
  };
}

function gapsOf(raws: readonly Raw[]): readonly SequenceGap[] {
  const gaps = raws.flatMap((raw) => raw.gaps ?? []);
  const counted = gaps.map((gap) => ({ ...gap, missingBatches: BigInt(gap.missingBatches) }));
  return counted.sort((a, b) => (a.missingBatches < b.missingBatches ? 1 : -1)).slice(0, MAX_GAPS);
}

/** Everybody who shipped something, by cluster and node. */
export async function readCollectors(reader: Reader, condition: CollectorCondition): Promise<readonly Collector[]> {
  const qualityOf = await readQuality(reader, condition);
  const byNode = new Map<string, Raw[]>();
  for (const raw of await reader.rows<Raw>(collectorsStatement(condition))) {
    const key = JSON.stringify([raw.cluster, raw.node]);
    byNode.set(key, [...(byNode.get(key) ?? []), raw]);
  }
  return [...byNode.values()].flatMap((raws) => {
    const [first] = raws;
    if (!first) return [];
    const { cluster, node } = first;
    return [{ cluster, node, formats: raws.map(formatOf), gaps: gapsOf(raws), ...qualityOf(cluster, node) }];
  });
}
