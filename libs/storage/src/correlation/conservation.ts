import {
  type AttributedPackets,
  type CountedWindow,
  type LookedSpan,
  ruleIdentity,
  SNAPSHOT_TAKES,
  spreadDrop,
} from '@whydrop/explain';
import type { Cause, ChainRuleRef, Family, Instant, PolicyDirection, PolicyPart, Protocol } from '@whydrop/model';
import type pg from 'pg';
import { MICROS } from '../write/batch.js';
import { groupBy } from './snapshots.js';

const AT = (parameter: string) => `('epoch'::timestamptz + ${parameter}::int8 * interval '1 microsecond')`;

/** The rule that ended told packets, and what they were: enough to tell of a counter that did not move for them. */
interface ToldFacts {
  readonly node: string;
  readonly family: Family | null;
  readonly chain_rule: ChainRuleRef | null;
  readonly verdict: 'dropped' | 'rejected';
  readonly cause: Cause;
  readonly direction: PolicyDirection | null;
  readonly policies: readonly PolicyPart[];
  readonly protocol: Protocol;
  readonly destination_port: number | null;
}

interface ToldRow extends ToldFacts {
  readonly from: bigint;
  readonly to: bigint;
  readonly packets: bigint;
  readonly early: bigint;
}

interface SpreadRow extends ToldFacts {
  readonly first: bigint;
  readonly last: bigint;
  readonly packets: number;
  readonly seen: readonly bigint[] | null;
}

const SPANS = 'unnest($2::text[], $3::text[], $4::int8[], $5::int8[]) AS w(node, family, from_at, to_at)';
const NODE = `coalesce(x.body #>> '{chainRule,node}', x.body #>> '{enforcementPoint,node}')`;
const FAMILY = `CASE family(d.source) WHEN 6 THEN 'inet6' ELSE 'inet' END`;
// Counters go by the clock of their node; a drop's times are those of all nodes' common clock.
const FIRST = 'coalesce(d.enforced_at, d.first_seen_at)';
const LAST = `(d.last_seen_at + (${FIRST} - d.first_seen_at))`;
/** Two clocks that are held against each other are less far apart. */
const CLOCKS_APART = `interval '2 minutes'`;
// A drop of several packets that is not over when its window is: its packets are spread.
const REACHES_ON = `w.family IS NOT NULL AND x.body -> 'chainRule' IS NOT NULL AND d.packets > 1 AND ${LAST} >= ${AT('w.to_at')}`;
const FACTS = `x.body -> 'chainRule' AS chain_rule, x.body ->> 'verdict' AS verdict, x.body ->> 'cause' AS cause,
         x.body ->> 'direction' AS direction, x.body -> 'policies' AS policies, d.protocol, d.destination_port`;
// Few drops, if any, have another time by their node's clock: these have an index.
const IN_WINDOW = `(
      SELECT * FROM "drop" WHERE enforced_at IS NULL AND first_seen_at >= ${AT('w.from_at')} AND first_seen_at < ${AT('w.to_at')}
      UNION ALL
      SELECT * FROM "drop" WHERE enforced_at >= ${AT('w.from_at')} AND enforced_at < ${AT('w.to_at')}
         AND first_seen_at BETWEEN ${AT('w.from_at')} - ${CLOCKS_APART} AND ${AT('w.to_at')} + ${CLOCKS_APART})`;
const OF_CLUSTER = `d.cluster_id = $1 AND (w.family IS NULL OR w.family = ${FAMILY})`;
const OF_NODE = `${NODE} = w.node AND x.body ->> 'verdict' IN ('dropped', 'rejected')`;

const TOLD = `
  SELECT w.node, w.family, w.from_at AS from, w.to_at AS to, x.chain_rule, x.verdict, x.cause, x.direction, x.policies,
         x.protocol, x.destination_port, x.packets, x.early
    FROM ${SPANS}, LATERAL (
      SELECT ${FACTS}, sum(d.packets)::int8 AS packets,
             coalesce(sum(d.packets) FILTER (WHERE ${FIRST} < ${AT('w.from_at')} + interval '${SNAPSHOT_TAKES} microseconds'), 0)::int8 AS early
        FROM ${IN_WINDOW} d JOIN explanation x ON x.id = d.explanation_id
       WHERE ${OF_CLUSTER} AND ${OF_NODE} AND NOT (${REACHES_ON})
       GROUP BY x.id, d.protocol, d.destination_port) x`;

const REACHING = `
  SELECT w.node, w.family, ${FACTS}, d.packets, ${MICROS(FIRST)} AS first, ${MICROS(LAST)} AS last,
         (SELECT array_agg(DISTINCT ${MICROS('p.observed_at')}) FROM packet_log p JOIN emitter e ON e.id = p.emitter_id
           WHERE p.original_key = d.connection_key AND p.observed_at BETWEEN ${FIRST} AND ${LAST}
             AND e.cluster_id = $1 AND e.node = w.node) AS seen
    FROM ${SPANS} CROSS JOIN LATERAL ${IN_WINDOW} d
    JOIN explanation x ON x.id = d.explanation_id
   WHERE ${OF_CLUSTER} AND ${OF_NODE} AND ${REACHES_ON}`;

function packetsOf(row: ToldFacts, span: { readonly from: Instant; readonly to: Instant }): Told {
  return {
    node: row.node,
    from: span.from,
    to: span.to,
    chainRule: row.chain_rule ?? undefined,
    protocol: row.protocol,
    destinationPort: row.destination_port ?? undefined,
    packets: 0n,
    ...(row.family === null ? {} : { family: row.family }),
    facts: row,
  };
}

/** Told packets with what they were. */
interface Told extends AttributedPackets {
  readonly facts: ToldFacts;
}

/** Packets of drops that reach over several windows of their rule. */
function spread(rows: readonly SpreadRow[], looked: readonly LookedSpan[], windows: readonly CountedWindow[]): Told[] {
  const spans = groupBy(looked, ({ node, family }) => `${node} ${family}`);
  const moved = new Map<string, bigint>();
  for (const { facts, family, from, to, packets } of windows) {
    if (facts.chainRule) moved.set(`${facts.node} ${family} ${from} ${to} ${ruleIdentity(facts.chainRule)}`, packets);
  }
  return rows.flatMap((row) => {
    const { chain_rule: rule } = row;
    const drop = {
      from: Number(row.first),
      to: Number(row.last),
      packets: BigInt(row.packets),
      seenAt: (row.seen ?? []).map(Number),
    };
    const own = spans.get(`${row.node} ${row.family}`) ?? [];
    const near = own.filter(({ from, to }) => from <= drop.to && to > drop.from);
    const counted = near.map(({ from, to }) => {
      const key = `${row.node} ${row.family} ${from} ${to} ${rule ? ruleIdentity(rule) : ''}`;
      return { from, to, packets: moved.get(key) ?? 0n };
    });
    return spreadDrop(drop, counted).flatMap((packets, i): readonly Told[] => {
      const span = counted[i];
      if (!span || packets === 0n) return [];
      const isEarly = drop.seenAt.some((at) => at >= span.from && at < span.from + SNAPSHOT_TAKES);
      return [{ ...packetsOf(row, span), packets, early: isEarly ? 1n : 0n }];
    });
  });
}

/** A counter that stood still while drops are told of its rule: a window of its own, in which nothing was counted. */
function still(told: Told, backend: string): CountedWindow | undefined {
  const { facts, chainRule, family, from, to } = told;
  if (!facts.chain_rule || !chainRule || family === undefined) return undefined;
  const { chain, position } = facts.chain_rule;
  const key = ['counter', told.node, family, backend, ruleIdentity(chainRule)].join(' ');
  return {
    key,
    from,
    to,
    packets: 0n,
    isLowerBound: false,
    family,
    facts: {
      channel: 'counter',
      node: told.node,
      verdict: facts.verdict,
      cause: facts.cause,
      direction: facts.direction,
      endpoint: facts.chain_rule.owner?.workload?.pod,
      source: undefined,
      destination: undefined,
      protocol: undefined,
      destinationPort: undefined,
      policies: facts.policies,
      misses: [],
      chainRule: facts.chain_rule,
      counter: position > 0 ? `Rule ${position} of chain ${chain}` : `The policy of chain ${chain}`,
      assumptions: [],
      missing: [],
    },
  };
}

/** Windows in which drops are told of a rule whose counter did not move. */
function stillWindows(told: readonly Told[], looked: readonly LookedSpan[], windows: readonly CountedWindow[]) {
  const place = (node: string, family: string | undefined, from: Instant, to: Instant, rule: string) =>
    `${node} ${family} ${from} ${to} ${rule}`;
  const known = new Set(
    windows.flatMap(({ facts, family, from, to }) =>
      facts.chainRule ? [place(facts.node, family, from, to, ruleIdentity(facts.chainRule))] : [],
    ),
  );
  const backends = new Map(looked.map((span) => [place(span.node, span.family, span.from, span.to, ''), span.backend]));
  return told.flatMap((each) => {
    const rule = each.chainRule && ruleIdentity(each.chainRule);
    const backend = backends.get(place(each.node, each.family, each.from, each.to, ''));
    if (rule === undefined || backend === undefined) return [];
    const id = place(each.node, each.family, each.from, each.to, rule);
    if (known.has(id)) return [];
    known.add(id);
    return still(each, backend) ?? [];
  });
}

/** What is told, and the windows of counters that stood still while it happened. */
export interface ToldPackets {
  readonly attributed: readonly AttributedPackets[];
  readonly still: readonly CountedWindow[];
}

/** Packets of the drops that are told, in each node's windows: of rules, and of whatever else counts there. */
export async function loadTold(
  client: pg.PoolClient,
  clusterId: number,
  windows: readonly CountedWindow[],
  looked: readonly LookedSpan[],
): Promise<ToldPackets> {
  const others = windows.filter(({ facts }) => facts.chainRule === undefined);
  const spans = new Map([
    ...others.map(({ facts, from, to }) => [`${facts.node} ${from} ${to}`, [facts.node, null, from, to]] as const),
    ...looked.map(
      ({ node, family = null, from, to }) => [`${node} ${from} ${to} ${family}`, [node, family, from, to]] as const,
    ),
  ]);
  const list = [...spans.values()];
  if (list.length === 0) return { attributed: [], still: [] };
  const columns = [0, 1, 2, 3].map((column) => list.map((span) => span[column]));
  const inside = await client.query<ToldRow>(TOLD, [clusterId, ...columns]);
  const reaching = await client.query<SpreadRow>(REACHING, [clusterId, ...columns]);
  const told = [
    ...inside.rows.map((row) => {
      const span = { from: Number(row.from), to: Number(row.to) };
      return { ...packetsOf(row, span), packets: row.packets, early: row.early };
    }),
    ...spread(reaching.rows, looked, windows),
  ];
  return { attributed: told, still: stillWindows(told, looked, windows) };
}
