import { type CountedFacts, countedSentence } from '@whydrop/explain';
import type { Cause, Instant } from '@whydrop/model';
import { Params } from './condition.js';
import { instantParam, microsOf, type TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** What one rule, metric or aggregate counted over a time, and how much of it is told as drops with addresses. */
export interface CountedDropRow {
  readonly id: string;
  readonly cluster: string;
  readonly cause: Cause;
  readonly from: Instant;
  readonly to: Instant;
  readonly packets: bigint;
  readonly attributed: bigint;
  readonly isLowerBound: boolean;
  readonly facts: CountedFacts;
  readonly sentence: string;
}

export interface CountedDropCondition {
  readonly cluster?: string | undefined;
  readonly node?: string | undefined;
  /** Also those that drops with addresses account for in full. */
  readonly all: boolean;
}

/** Groups of counted drops whose windows end in the range, oldest first. */
export function countedDropsStatement(range: TimeRange, condition: CountedDropCondition, first: number): Statement {
  const params = new Params();
  const where = [`d.to_time >= ${instantParam(params, range.from)}`];
  if (range.to !== undefined) where.push(`d.from_time < ${instantParam(params, range.to)}`);
  if (condition.cluster !== undefined) where.push(`c.name = ${params.add(condition.cluster, 'text')}`);
  if (condition.node !== undefined) where.push(`d.node = ${params.add(condition.node, 'text')}`);
  const having = condition.all ? '' : '\nHAVING sum(d.packets) > sum(d.attributed)';
  return {
    text: `SELECT d.group_id AS id, c.name AS cluster, ${microsOf('min(d.from_time)')} AS "from", ${microsOf('max(d.to_time)')} AS "to",
       sum(d.packets)::int8 AS packets, sum(d.attributed)::int8 AS attributed, bool_or(d.is_lower_bound) AS "isLowerBound",
       (array_agg(d.facts ORDER BY d.to_time DESC, d.id))[1] AS facts
FROM counted_drop d
JOIN cluster c ON c.id = d.cluster_id
WHERE ${where.join('\n  AND ')}
GROUP BY d.group_id, c.name${having}
ORDER BY min(d.from_time), d.group_id
LIMIT ${params.add(first, 'int')}`,
    values: params.values,
  };
}

export async function readCountedDrops(reader: Reader, statement: Statement): Promise<readonly CountedDropRow[]> {
  type Raw = Omit<CountedDropRow, 'from' | 'to' | 'packets' | 'attributed' | 'cause' | 'sentence'> & {
    readonly [name in 'from' | 'to' | 'packets' | 'attributed']: bigint;
  };
  const rows = await reader.rows<Raw>(statement);
  return rows.map((row) => {
    const { facts, isLowerBound } = row;
    const sum = {
      from: Number(row.from),
      to: Number(row.to),
      packets: BigInt(row.packets),
      attributed: BigInt(row.attributed),
      isLowerBound,
    };
    return {
      ...row,
      ...sum,
      // What was undefined is absent in stored JSON.
      cause: facts.cause,
      sentence: countedSentence(facts, sum),
    };
  });
}
