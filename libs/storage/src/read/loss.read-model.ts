import type { Instant } from '@whydrop/model';
import { conditionSql, Params } from './condition.js';
import { COLLECTOR_FIELDS, type CollectorCondition } from './collector-condition.js';
import { microsOf } from './page.js';
import type { Reader, Statement } from './reader.js';

/** Known loss, as a node reported it. */
export interface Loss {
  readonly stream: string;
  readonly channel: string | null;
  readonly reason: string;
  readonly from: Instant;
  readonly to: Instant;
  /** Null when it cannot be told. */
  readonly records: bigint | null;
  readonly epoch: string | null;
  readonly firstSequence: string | null;
  readonly lastSequence: string | null;
  readonly detail: string | null;
}

/** Since when and until when a channel was captured without a gap, as far as is known: its latest stretch. */
export interface CoveredChannel {
  readonly channel: string;
  readonly from: Instant;
  readonly to: Instant;
}

/** Of each node, the latest first. */
const MAX_LOSSES = 100;

/** What nodes lost: their latest losses, and beside each the sum of all. */
export function lossesStatement(condition: CollectorCondition): Statement {
  const params = new Params();
  const where = conditionSql(COLLECTOR_FIELDS, condition, params);
  const text = `
SELECT * FROM (
  SELECT c.name AS cluster, nullif(e.node, '') AS node, g.stream, g.channel, g.reason, ${microsOf('g.from_time')} AS "from",
         ${microsOf('g.to_time')} AS "to", g.records, g.epoch::text AS epoch, g.first_sequence::text AS "firstSequence",
         g.last_sequence::text AS "lastSequence", g.detail,
         coalesce(sum(g.records) OVER (PARTITION BY e.id), 0)::int8 AS "lostRecords",
         row_number() OVER (PARTITION BY e.id ORDER BY g.to_time DESC, g.batch_id DESC, g.line DESC) AS place
  FROM gap g
  JOIN emitter e ON e.id = g.emitter_id
  JOIN cluster c ON c.id = e.cluster_id
  WHERE ${where}
) AS ranked
WHERE place <= ${MAX_LOSSES}
ORDER BY cluster, node, place`;
  return { text, values: params.values };
}

/** The latest stretch without a gap of every channel of every node. */
export function channelsStatement(condition: CollectorCondition): Statement {
  const params = new Params();
  const where = conditionSql(COLLECTOR_FIELDS, condition, params);
  const text = `
SELECT DISTINCT ON (c.name, e.node, v.channel) c.name AS cluster, nullif(e.node, '') AS node, v.channel,
       ${microsOf('v.from_time')} AS "from", ${microsOf('v.to_time')} AS "to"
FROM coverage v
JOIN emitter e ON e.id = v.emitter_id
JOIN cluster c ON c.id = e.cluster_id
WHERE ${where}
ORDER BY c.name, e.node, v.channel, v.to_time DESC, v.from_time`;
  return { text, values: params.values };
}

interface Placed {
  readonly cluster: string;
  readonly node: string | null;
  readonly from: bigint;
  readonly to: bigint;
}

type RawLoss = Placed & Omit<Loss, 'from' | 'to'> & { readonly lostRecords: bigint; readonly place: bigint };
type RawChannel = Placed & { readonly channel: string };

/** Data quality of a node beside what it shipped. */
export interface Quality {
  readonly losses: readonly Loss[];
  readonly lostRecords: bigint;
  readonly channels: readonly CoveredChannel[];
}

function lossOf({ cluster: _cluster, node: _node, lostRecords: _sum, place: _place, ...raw }: RawLoss): Loss {
  return { ...raw, from: Number(raw.from), to: Number(raw.to) };
}

/** Losses and covered channels; asked for by cluster and node. */
export async function readQuality(
  reader: Reader,
  condition: CollectorCondition,
): Promise<(cluster: string, node: string | null) => Quality> {
  const losses = await reader.rows<RawLoss>(lossesStatement(condition));
  const channels = await reader.rows<RawChannel>(channelsStatement(condition));
  return (cluster, node) => {
    const own = (row: Placed) => row.cluster === cluster && row.node === node;
    const lost = losses.filter(own);
    return {
      losses: lost.map(lossOf),
      lostRecords: lost[0]?.lostRecords ?? 0n,
      channels: channels.filter(own).map(({ channel, from, to }) => ({ channel, from: Number(from), to: Number(to) })),
    };
  };
}
