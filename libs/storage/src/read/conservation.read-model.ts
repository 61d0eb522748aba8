import { type CountedFacts, countedSentence } from '@whydrop/explain';
import type { Cause, Instant } from '@whydrop/model';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** What a counter gained, divided: packets = attributed + countedOnly + unexplained. */
export interface Conserved {
  readonly packets: bigint;
  readonly attributed: bigint;
  readonly countedOnly: bigint;
  readonly unexplained: bigint;
  readonly excess: bigint;
  readonly isLowerBound: boolean;
}

/** One drop rule between two looks at its counter. */
export interface CounterWindowRow extends Conserved {
  readonly id: string;
  readonly cluster: string;
  readonly node: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly cause: Cause;
  readonly facts: CountedFacts;
  /** What was not counted, and what is not known of what was. */
  readonly missing: readonly string[];
  readonly sentence: string;
}

/** What is added up together. */
export type ConservationBy = 'rule' | 'policy' | 'node' | 'cluster';

/** Windows of one rule, policy, node or cluster, added up. */
export interface ConservationTotalRow extends Conserved {
  readonly cluster: string;
  readonly key: string;
  readonly node: string | null;
  readonly facts: CountedFacts | null;
  readonly from: Instant;
  readonly to: Instant;
  readonly windows: number;
}

const RULE = `d.facts -> 'chainRule'`;
const POLICY_NAME = `coalesce(p ->> 'namespace' || '/', '') || (p ->> 'name')`;
// As drop groups have it: the namespace of a global policy is empty.
const POLICY_KEY = `concat_ws('/', p ->> 'kind', coalesce(p ->> 'namespace', ''), p ->> 'name')`;
const POLICIES = `(SELECT coalesce(array_agg(p), '{}') FROM jsonb_array_elements(d.facts -> 'policies') AS p)`;

const FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  node: { type: 'text', any: ['d.node'] },
  table: { type: 'text', any: [`(${RULE} ->> 'table')`] },
  chain: { type: 'text', any: [`(${RULE} ->> 'chain')`] },
  namespace: { type: 'text', any: [`(${RULE} #>> '{owner,workload,namespace}')`] },
  workload: { type: 'text', any: [`(${RULE} #>> '{owner,workload,pod}')`] },
  policy: { type: 'text', any: [POLICY_NAME, POLICY_KEY], each: { array: POLICIES, as: 'p' } },
  cause: { type: 'text', any: ['d.cause'] },
  hasExcess: { type: 'bool', any: ['(d.excess > 0)'] },
  hasUnexplained: { type: 'bool', any: ['(d.packets > d.attributed + d.counted_only)'] },
} satisfies Record<string, FieldSql>;

export type ConservationCondition = Condition<keyof typeof FIELDS>;

export const CONSERVATION_SORT: readonly SortColumn[] = [
  { sql: 'd.to_time', type: 'instant' },
  { sql: 'd.id', type: 'text' },
];

export function conservationSortKey(row: CounterWindowRow): readonly string[] {
  return [String(row.to), row.id];
}

const FROM = `
FROM counted_drop d
JOIN cluster c ON c.id = d.cluster_id`;

const SELECT = `
SELECT d.id, c.name AS cluster, d.node, ${microsOf('d.from_time')} AS "from", ${microsOf('d.to_time')} AS "to", d.packets,
       d.attributed, d.counted_only AS "countedOnly", d.packets - d.attributed - d.counted_only AS unexplained, d.excess,
       d.is_lower_bound AS "isLowerBound", d.facts, d.lost${FROM}`;

/** Windows that reach into the range: those end after its beginning, and began before its end. */
function whereSql(range: TimeRange, condition: ConservationCondition, params: Params): string {
  const from = `d.to_time > ${instantParam(params, range.from)}`;
  const to = range.to === undefined ? 'true' : `d.from_time < ${instantParam(params, range.to)}`;
  return `WHERE d.channel = 'counter'\n  AND ${from}\n  AND ${to}\n  AND ${conditionSql(FIELDS, condition, params)}`;
}

/** Counters' windows in the range, of one page. */
export function conservationStatement(
  range: TimeRange,
  condition: ConservationCondition,
  page: PageRequest,
): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const after = afterSql(CONSERVATION_SORT, page, params);
  const order = pageSql(CONSERVATION_SORT, page, params);
  return { text: `${SELECT}\n${where}\n  AND ${after}\n${order}`, values: params.values };
}

/** How many windows the range and the condition have, counted up to COUNT_LIMIT + 1. */
export function conservationCountStatement(range: TimeRange, condition: ConservationCondition): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  return {
    text: `SELECT count(*)::int AS count FROM (\nSELECT${FROM}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`,
    values: params.values,
  };
}

const SUMS = `sum(d.packets)::int8 AS packets, sum(d.attributed)::int8 AS attributed, sum(d.counted_only)::int8 AS "countedOnly",
       sum(d.packets - d.attributed - d.counted_only)::int8 AS unexplained, sum(d.excess)::int8 AS excess,
       bool_or(d.is_lower_bound) AS "isLowerBound", count(*)::int AS windows,
       ${microsOf('min(d.from_time)')} AS "from", ${microsOf('max(d.to_time)')} AS "to"`;

interface Grouping {
  readonly join: string;
  readonly key: string;
  readonly node: string;
  readonly facts: string;
}

const LATEST = '(array_agg(d.facts ORDER BY d.to_time DESC, d.id))[1]';

const GROUPINGS: Readonly<Record<ConservationBy, Grouping>> = {
  rule: { join: '', key: 'd.group_id', node: 'min(d.node)', facts: LATEST },
  // A rule that stands for several policies is part of each one's sum.
  policy: {
    join: `\nCROSS JOIN LATERAL jsonb_array_elements(d.facts -> 'policies') AS p`,
    key: POLICY_NAME,
    node: 'NULL',
    facts: 'NULL::jsonb',
  },
  node: { join: '', key: 'd.node', node: 'd.node', facts: 'NULL::jsonb' },
  cluster: { join: '', key: 'c.name', node: 'NULL', facts: 'NULL::jsonb' },
};

/** Windows in the range added up; those with the most packets that nothing tells of come first. */
export function conservationTotalsStatement(
  range: TimeRange,
  condition: ConservationCondition,
  by: ConservationBy,
  first: number,
): Statement {
  const params = new Params();
  const { join, key, node, facts } = GROUPINGS[by];
  const where = whereSql(range, condition, params);
  const groupBy = by === 'node' ? `c.name, d.node` : by === 'cluster' ? 'c.name' : `c.name, ${key}`;
  return {
    text: `SELECT c.name AS cluster, ${key} AS key, ${node} AS node, ${facts} AS facts, ${SUMS}${FROM}${join}
${where}
GROUP BY ${groupBy}
ORDER BY sum(d.packets - d.attributed) DESC, c.name, ${key}
LIMIT ${params.add(first, 'int')}`,
    values: params.values,
  };
}

type Raw<Row, Names extends keyof Row> = Omit<Row, Names> & { readonly [name in Names]: bigint };

export async function readConservation(reader: Reader, statement: Statement): Promise<readonly CounterWindowRow[]> {
  type WindowRow = Raw<Omit<CounterWindowRow, 'missing' | 'sentence' | 'cause'>, 'from' | 'to'> & {
    readonly lost: readonly string[];
  };
  const rows = await reader.rows<WindowRow>(statement);
  return rows.map(({ from, to, lost, facts, ...row }) => {
    const span = { from: Number(from), to: Number(to) };
    const missing = [...lost, ...facts.missing];
    const sentence = countedSentence(facts, { ...row, ...span });
    return { ...row, ...span, facts, cause: facts.cause, missing, sentence };
  });
}

export async function readConservationTotals(
  reader: Reader,
  statement: Statement,
): Promise<readonly ConservationTotalRow[]> {
  const rows = await reader.rows<Raw<ConservationTotalRow, 'from' | 'to'>>(statement);
  return rows.map(({ from, to, ...row }) => ({ ...row, from: Number(from), to: Number(to) }));
}
