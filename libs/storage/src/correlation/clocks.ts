import { type ClockOffsets, clockOffsets, type Opening, type Witnesses } from '@whydrop/explain';
import type { Instant } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { EVENT_CODES } from '../write/flow-rows.js';

/** Entries of each node that its clock is measured by. */
const SAMPLE = 100;
/** Nodes that are looked at in one run; of more, those that come first by name. */
const MOST_NODES = 50;
/** A node's last entries before the end of the span are looked for so far back, and the same entries on others so far around. In µs. */
const BACK = 600_000_000;
const AROUND = 30_000_000;
const NEAR = `interval '30 seconds'`;

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

// What most connections of a node show, blocked or not: those that nothing stopped are seen on both sides.
const OPENINGS = `
  WITH own AS (SELECT id, node FROM emitter WHERE cluster_id = $1 AND node = ANY($4)),
  picked AS (
    SELECT o.id, k.key, f.observed_at FROM own o CROSS JOIN LATERAL (
      SELECT observed_at, original_key, policy_key, effective_key FROM flow
       WHERE emitter_id = o.id AND event = ${EVENT_CODES.new} AND observed_at BETWEEN ${AT('$2')} AND ${AT('$3')}
       ORDER BY observed_at DESC, batch_id, line LIMIT ${SAMPLE}) f
     CROSS JOIN LATERAL (VALUES (f.original_key), (f.policy_key), (f.effective_key)) AS k(key) WHERE k.key IS NOT NULL),
  far AS (
    SELECT f.emitter_id AS id, s.key, f.observed_at
      FROM (SELECT key, min(observed_at) AS low, max(observed_at) AS high FROM picked GROUP BY key) s
      JOIN LATERAL (
        SELECT emitter_id, observed_at, event FROM flow WHERE original_key = s.key AND observed_at BETWEEN s.low - ${NEAR} AND s.high + ${NEAR}
        UNION ALL
        SELECT emitter_id, observed_at, event FROM flow WHERE policy_key = s.key AND observed_at BETWEEN s.low - ${NEAR} AND s.high + ${NEAR}
        UNION ALL
        SELECT emitter_id, observed_at, event FROM flow WHERE effective_key = s.key AND observed_at BETWEEN s.low - ${NEAR} AND s.high + ${NEAR}
      ) f ON f.event = ${EVENT_CODES.new})
  SELECT o.node, a.key::text AS key, ${MICROS('min(a.observed_at)')} AS at
    FROM (SELECT * FROM picked UNION ALL SELECT * FROM far) a JOIN own o ON o.id = a.id
   GROUP BY o.node, a.key`;

/** Nodes whose records bear on these connections: those that reported them, and those that their ends live on. */
function nodesOf({ flows, packets }: Witnesses, nodeOf: (ip: string) => string | undefined): readonly string[] {
  const nodes = new Set([...flows, ...packets].map(({ node }) => node));
  const ends = new Set<string>();
  for (const { flow } of flows) for (const ip of [flow.original.source, flow.reply.source]) ends.add(ip);
  for (const { packet } of packets) for (const ip of [packet.tuple.source, packet.tuple.destination]) ends.add(ip);
  for (const ip of ends) {
    const node = nodeOf(ip);
    if (node !== undefined) nodes.add(node);
  }
  return [...nodes].toSorted().slice(0, MOST_NODES);
}

/**
 * How far the clocks are apart of the nodes that bear on some connections, by all that these opened around then: what is
 * blocked is often seen on one side only.
 */
export async function loadClocks(
  client: pg.PoolClient,
  clusterId: number,
  witnesses: Witnesses,
  nodeOf: (ip: string) => string | undefined,
  [from, to]: readonly [Instant, Instant],
): Promise<ClockOffsets> {
  const nodes = nodesOf(witnesses, nodeOf);
  if (nodes.length < 2) return new Map();
  const { rows } = await client.query<Omit<Opening, 'at'> & { readonly at: bigint }>(OPENINGS, [
    clusterId,
    from - BACK,
    to + AROUND,
    nodes,
  ]);
  const openings = rows.map(({ at, ...row }) => ({ ...row, at: Number(at) }));
  return clockOffsets(witnesses, openings);
}
