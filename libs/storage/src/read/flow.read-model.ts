import { protocolFromName, protocolFromNumber, protocolNumber } from '@whydrop/model';
import type { FlowEvent, Instant } from '@whydrop/model';
import { flowEvent } from '../write/flow-rows.js';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';

/** What one node's conntrack said once about one connection. */
export interface FlowRow {
  readonly observedAt: Instant;
  readonly batchId: string;
  readonly line: number;
  readonly cluster: string;
  readonly node: string | null;
  readonly event: FlowEvent;
  readonly protocol: string;
  readonly state: string | null;
  readonly unreplied: boolean;
  readonly assured: boolean;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly replySource: string;
  readonly replyDestination: string;
  readonly replySourcePort: number | null;
  readonly replyDestinationPort: number | null;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly originalPackets: bigint | null;
  readonly originalBytes: bigint | null;
  readonly replyPackets: bigint | null;
  readonly replyBytes: bigint | null;
  readonly mark: bigint | null;
  readonly zone: number | null;
}

const protocolCode = (name: string): number => {
  const protocol = protocolFromName(name);
  return protocol === undefined ? -1 : protocolNumber(protocol);
};

const FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  node: { type: 'text', any: ['e.node'] },
  address: { type: 'inet', any: ['f.source', 'f.destination', 'f.reply_source', 'f.reply_destination'] },
  sourceAddress: { type: 'inet', any: ['f.source'] },
  destinationAddress: { type: 'inet', any: ['f.destination', 'f.reply_source'] },
  // As the client asked for it, or where it went after translation.
  port: { type: 'int', any: ['f.destination_port', 'f.reply_source_port'] },
  protocol: { type: 'int', any: ['f.protocol'], value: protocolCode },
  state: { type: 'text', any: ['f.state'] },
  unreplied: { type: 'bool', any: ['f.unreplied'] },
} satisfies Record<string, FieldSql>;

export type FlowCondition = Condition<keyof typeof FIELDS>;

export const FLOW_SORT: readonly SortColumn[] = [
  { sql: 'f.observed_at', type: 'instant' },
  { sql: 'f.batch_id', type: 'bigint' },
  { sql: 'f.line', type: 'bigint' },
];

export function flowSortKey(row: FlowRow): readonly string[] {
  return [String(row.observedAt), row.batchId, String(row.line)];
}

const FROM = `
FROM flow f
JOIN emitter e ON e.id = f.emitter_id
JOIN cluster c ON c.id = e.cluster_id`;

const SELECT = `
SELECT ${microsOf('f.observed_at')} AS "observedAt", f.batch_id::text AS "batchId", f.line, c.name AS cluster,
       nullif(e.node, '') AS node, f.event, f.protocol, f.state, f.unreplied, f.assured,
       host(f.source) AS source, host(f.destination) AS destination,
       f.source_port AS "sourcePort", f.destination_port AS "destinationPort",
       host(f.reply_source) AS "replySource", host(f.reply_destination) AS "replyDestination",
       f.reply_source_port AS "replySourcePort", f.reply_destination_port AS "replyDestinationPort",
       f.icmp_type AS "icmpType", f.icmp_code AS "icmpCode",
       f.original_packets AS "originalPackets", f.original_bytes AS "originalBytes",
       f.reply_packets AS "replyPackets", f.reply_bytes AS "replyBytes", f.mark, f.zone${FROM}`;

function whereSql(range: TimeRange, condition: FlowCondition, params: Params): string {
  const from = `f.observed_at >= ${instantParam(params, range.from)}`;
  const to = range.to === undefined ? 'true' : `f.observed_at < ${instantParam(params, range.to)}`;
  return `WHERE ${from}\n  AND ${to}\n  AND ${conditionSql(FIELDS, condition, params)}`;
}

/** Flow records observed in the range, of one page. */
export function flowsStatement(range: TimeRange, condition: FlowCondition, page: PageRequest): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  const after = afterSql(FLOW_SORT, page, params);
  return { text: `${SELECT}\n${where}\n  AND ${after}\n${pageSql(FLOW_SORT, page, params)}`, values: params.values };
}

/** How many flow records the range and the condition have, counted up to COUNT_LIMIT + 1. */
export function flowCountStatement(range: TimeRange, condition: FlowCondition): Statement {
  const params = new Params();
  const where = whereSql(range, condition, params);
  return {
    text: `SELECT count(*)::int AS count FROM (\nSELECT${FROM}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`,
    values: params.values,
  };
}

type Raw = Omit<FlowRow, 'observedAt' | 'event' | 'protocol'> & {
  readonly observedAt: bigint;
  readonly event: number;
  readonly protocol: number;
};

export async function readFlows(reader: Reader, statement: Statement): Promise<readonly FlowRow[]> {
  const rows = await reader.rows<Raw>(statement);
  return rows.map((row) => ({
    ...row,
    observedAt: Number(row.observedAt),
    event: flowEvent(row.event),
    protocol: protocolFromNumber(row.protocol),
  }));
}
