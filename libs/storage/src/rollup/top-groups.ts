import { type CountedFacts, countedSentence, type GroupEnd } from '@whydrop/explain';
import { type Cause, CAUSES, type Instant, type PolicyDirection, type Verdict } from '@whydrop/model';
import { LEVEL_MICROS, type Level, type Sums } from '@whydrop/rollup';
import type pg from 'pg';
import { Params } from '../read/condition.js';
import { instantParam } from '../read/page.js';
import { LEVEL_TABLE } from './apply.js';
import { GROUPS, groupKeysSql, type TrendCondition } from './dimensions.js';

/** Which groups of a cluster dropped most. */
export interface LoadTopGroups {
  readonly clusterId: number;
  /** `[from, to)`; a window counts when it begins in it. */
  readonly from: Instant;
  readonly to: Instant;
  readonly filter?: TrendCondition | undefined;
  readonly limit: number;
}

/** A group with its sums of the range, ends, policies, and a sentence about it. */
export interface TopGroup extends Sums {
  readonly id: string;
  /** Whether its packets have addresses, or were only counted. */
  readonly kind: 'drops' | 'counted';
  readonly cause: Cause;
  readonly verdict: Verdict;
  readonly direction: PolicyDirection | null;
  readonly protocol: string | null;
  readonly destinationPort: number | null;
  readonly source: GroupEnd | null;
  readonly destination: GroupEnd | null;
  readonly node: string | null;
  /** `Kind/namespace/name`. */
  readonly policies: readonly string[];
  readonly sentence: string;
}

/** Minutes as long as they are kept and few; a range of days is added up from hours. */
function levelOf(from: Instant, to: Instant): Level {
  if (to - from <= 2 * LEVEL_MICROS.day) return 'minute';
  return to - from <= 60 * LEVEL_MICROS.day ? 'hour' : 'day';
}

function topSql({ clusterId, from, to, filter, limit }: LoadTopGroups, params: Params): string {
  const groups = groupKeysSql([], filter ?? {}, clusterId, params);
  const range = `r.bucket >= ${instantParam(params, from)} AND r.bucket < ${instantParam(params, to)}`;
  return `
  SELECT t.*, g.cause, g.verdict, g.direction, g.protocol, g.destination_port, g.node, g.policies, x.facts,
         jsonb_build_object('kind', g.source_kind, 'namespace', g.source_namespace, 'name', g.source_name) AS source,
         jsonb_build_object('kind', g.destination_kind, 'namespace', g.destination_namespace, 'name', g.destination_name)
           AS destination,
         (SELECT d.detail ->> 'sentence' FROM "drop" d WHERE d.group_id = t.id ORDER BY d.first_seen_at DESC LIMIT 1) AS sentence
    FROM (SELECT r.group_id AS id, sum(r.drops)::float8 AS drops, sum(r.attempts)::float8 AS attempts,
                 sum(r.packets)::float8 AS packets, sum(r.counted)::float8 AS counted
            FROM ${LEVEL_TABLE[levelOf(from, to)]} r JOIN (${groups}) k ON k.id = r.group_id
           WHERE ${range} GROUP BY r.group_id
           ORDER BY sum(r.packets + r.counted) DESC, r.group_id LIMIT ${params.add(limit, 'int')}) t
    JOIN ${GROUPS} g ON g.id = t.id
    LEFT JOIN counted_group x ON x.id = t.id
   ORDER BY t.packets + t.counted DESC, t.id`;
}

interface Row extends Sums {
  readonly id: string;
  readonly cause: Cause;
  readonly verdict: Verdict;
  readonly direction: PolicyDirection | null;
  readonly protocol: string | null;
  readonly destination_port: number | null;
  readonly node: string | null;
  readonly policies: readonly string[];
  readonly facts: CountedFacts | null;
  readonly source: { readonly [name in keyof GroupEnd]: string | null };
  readonly destination: { readonly [name in keyof GroupEnd]: string | null };
  readonly sentence: string | null;
}

function endOf({ kind, namespace, name }: Row['source']): GroupEnd | null {
  return kind === null || name === null ? null : { kind, namespace, name };
}

const nameOf = (end: GroupEnd | null) =>
  end === null ? 'unknown' : [end.namespace, end.name].filter((part) => part !== null).join('/');

/** What can still be said of a group whose drops are gone. */
function plainSentence(row: Row): string {
  const port = row.destination_port === null ? '' : `:${row.destination_port}`;
  const way = `${nameOf(endOf(row.source))} -> ${nameOf(endOf(row.destination))}${port}/${row.protocol ?? 'any'}`;
  const where = row.direction === null ? '' : ` on ${row.direction}`;
  return `${way} was ${row.verdict}${where}. ${row.cause}: ${CAUSES[row.cause]}.`;
}

function sentenceOf(row: Row, { from, to }: LoadTopGroups): string {
  if (!row.facts) return row.sentence ?? plainSentence(row);
  const sum = { from, to, packets: BigInt(row.counted), attributed: 0n, isLowerBound: false };
  return countedSentence(row.facts, sum);
}

/** Groups that dropped most packets in the range, counted ones included, most first. */
export async function loadTopGroups(
  client: pg.Pool | pg.PoolClient,
  request: LoadTopGroups,
): Promise<readonly TopGroup[]> {
  const params = new Params();
  const { rows } = await client.query<Row>(topSql(request, params), params.values);
  return rows.map((row) => ({
    id: row.id,
    kind: row.facts ? 'counted' : 'drops',
    drops: row.drops,
    attempts: row.attempts,
    packets: row.packets,
    counted: row.counted,
    cause: row.cause,
    verdict: row.verdict,
    direction: row.direction,
    protocol: row.protocol,
    destinationPort: row.destination_port,
    source: endOf(row.source),
    destination: endOf(row.destination),
    node: row.node,
    policies: row.policies,
    sentence: sentenceOf(row, request),
  }));
}
