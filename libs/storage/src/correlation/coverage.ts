import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';

interface Stretch {
  readonly from: Instant;
  readonly to: Instant;
}

type Row = { readonly node: string; readonly channel: string; readonly from: bigint; readonly to: bigint };

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

const TOLD = `
  SELECT e.node, c.channel, ${MICROS('c.from_time')} AS from, ${MICROS('c.to_time')} AS to
    FROM coverage c JOIN emitter e ON e.id = c.emitter_id
   WHERE e.cluster_id = $1 AND c.to_time >= ${AT('$2')} AND c.from_time <= ${AT('$3')}
   ORDER BY c.from_time, c.to_time`;

const LOST = `
  SELECT e.node, g.channel, ${MICROS('g.from_time')} AS from, ${MICROS('g.to_time')} AS to
    FROM gap g JOIN emitter e ON e.id = g.emitter_id
   WHERE e.cluster_id = $1 AND g.channel IS NOT NULL AND g.to_time >= ${AT('$2')} AND g.from_time <= ${AT('$3')}`;

/** Stretches by node and channel, those that join on to each other made one; rows come ordered by their beginning. */
function byChannel(rows: readonly Row[], join: boolean): ReadonlyMap<string, readonly Stretch[]> {
  const channels = new Map<string, Stretch[]>();
  for (const row of rows) {
    const key = `${row.channel} ${row.node}`;
    const stretches = channels.get(key) ?? [];
    channels.set(key, stretches);
    const [from, to, last] = [Number(row.from), Number(row.to), stretches.at(-1)];
    if (join && last && last.to >= from) stretches[stretches.length - 1] = { ...last, to: Math.max(last.to, to) };
    else stretches.push({ from, to });
  }
  return channels;
}

/**
 * Whether a node's channel was captured without a gap over a span of time: somebody said so, and nobody reported a loss
 * in it. Asked about times between `low` and `high`.
 */
export async function loadCoverage(client: pg.PoolClient, clusterId: number, low: Instant, high: Instant) {
  const told = byChannel((await client.query<Row>(TOLD, [clusterId, low, high])).rows, true);
  const lost = byChannel((await client.query<Row>(LOST, [clusterId, low, high])).rows, false);
  return (node: string, channel: string, first: Instant, last: Instant): boolean => {
    const key = `${channel} ${node}`;
    const inOne = told.get(key)?.some(({ from, to }) => from <= first && to >= last) ?? false;
    return inOne && !lost.get(key)?.some(({ from, to }) => from <= last && to >= first);
  };
}
