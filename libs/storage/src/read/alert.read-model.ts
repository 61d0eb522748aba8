import type { AlertMessage, AlertRuleKind, Baseline, Matcher, Muted, Severity } from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';
import type { RuleSource } from '../alerts/rule.store.js';
import { conditionSql, Params, type Condition, type FieldSql } from './condition.js';
import { afterSql, COUNT_LIMIT, instantParam, microsOf, pageSql } from './page.js';
import type { PageRequest, SortColumn, TimeRange } from './page.js';
import type { Reader, Statement } from './reader.js';
import { seenSummary } from './scope/sentence.js';

export type AlertStateName = 'pending' | 'firing' | 'resolved';

/** An alert and what was last told of it. */
export interface AlertRow {
  readonly id: string;
  readonly ruleId: string;
  readonly ruleName: string;
  readonly ruleKind: AlertRuleKind;
  readonly cluster: string;
  readonly severity: Severity;
  readonly state: AlertStateName;
  readonly startsAt: Instant;
  readonly firedAt: Instant | null;
  readonly endsAt: Instant | null;
  readonly value: number;
  readonly expected: number | null;
  readonly baseline: Baseline | null;
  readonly levelShift: boolean;
  readonly sequence: number;
  readonly notified: boolean;
  readonly mutedBy: Muted;
  readonly message: AlertMessage;
}

const label = (name: string) => `a.labels ->> '${name}'`;
const POLICIES = `ARRAY(SELECT jsonb_array_elements_text(a.message -> 'policies'))`;

const FIELDS = {
  cluster: { type: 'text', any: ['c.name'] },
  rule: { type: 'text', any: ['a.rule_name'] },
  kind: { type: 'text', any: ['a.rule_kind'] },
  state: { type: 'text', any: ['a.state'] },
  severity: { type: 'text', any: ['a.severity'] },
  cause: { type: 'text', any: [`a.message ->> 'cause'`] },
  namespace: { type: 'text', any: [label('source_namespace'), label('destination_namespace')] },
  workload: { type: 'text', any: [label('source'), label('destination')] },
  node: { type: 'text', any: [label('node')] },
  // Kind/namespace/name; the namespace of a global policy is empty.
  policy: {
    type: 'text',
    any: ['p', `ltrim(substr(p, strpos(p, '/') + 1), '/')`, `split_part(p, '/', 3)`],
    each: { array: POLICIES, as: 'p' },
  },
  notified: { type: 'bool', any: ['a.notified'] },
} satisfies Record<string, FieldSql>;

export type AlertCondition = Condition<keyof typeof FIELDS>;

/** Which alerts; all given parts must hold. */
export interface AlertQuery {
  readonly ids?: readonly string[] | undefined;
  /** Alerts that were there in it; undefined: all. */
  readonly range?: TimeRange | undefined;
  readonly condition?: AlertCondition | undefined;
}

export const ALERT_SORT: readonly SortColumn[] = [
  { sql: 'a.starts_at', type: 'instant' },
  { sql: 'a.id', type: 'text' },
];

export function alertSortKey(row: AlertRow): readonly string[] {
  return [String(row.startsAt), row.id];
}

const FROM = '\nFROM alert a\nJOIN cluster c ON c.id = a.cluster_id';

const SELECT = `
SELECT a.id, a.rule_id AS "ruleId", a.rule_name AS "ruleName", a.rule_kind AS "ruleKind", c.name AS cluster, a.severity, a.state,
       ${microsOf('a.starts_at')} AS "startsAt", ${microsOf('a.fired_at')} AS "firedAt", ${microsOf('a.ends_at')} AS "endsAt",
       a.value, a.expected, a.baseline, a.level_shift AS "levelShift", a.sequence, a.notified, a.muted_by AS "mutedBy", a.message${FROM}`;

function whereSql({ ids, range, condition = {} }: AlertQuery, params: Params): string {
  const parts: string[] = [];
  if (ids) parts.push(`a.id = ANY (${params.add(ids, 'text[]')})`);
  if (range) parts.push(`coalesce(a.ends_at, 'infinity') >= ${instantParam(params, range.from)}`);
  if (range?.to !== undefined) parts.push(`a.starts_at < ${instantParam(params, range.to)}`);
  return `WHERE ${[...parts, conditionSql(FIELDS, condition, params)].join('\n  AND ')}`;
}

/** Alerts of one page. */
export function alertsStatement(query: AlertQuery, page: PageRequest): Statement {
  const params = new Params();
  const where = whereSql(query, params);
  const after = afterSql(ALERT_SORT, page, params);
  return { text: `${SELECT}\n${where}\n  AND ${after}\n${pageSql(ALERT_SORT, page, params)}`, values: params.values };
}

/** How many alerts the query finds, counted up to COUNT_LIMIT + 1. */
export function alertCountStatement(query: AlertQuery): Statement {
  const params = new Params();
  const where = whereSql(query, params);
  const text = `SELECT count(*)::int AS count FROM (\nSELECT${FROM}\n${where}\nLIMIT ${COUNT_LIMIT + 1}) found`;
  return { text, values: params.values };
}

export function alertByIdStatement(id: string): Statement {
  return { text: `${SELECT}\nWHERE a.id = $1::text`, values: [id] };
}

type Raw<Row, Name extends keyof Row> = Omit<Row, Name> & { readonly [name in Name]: bigint | null };

const instant = (value: bigint | null) => (value === null ? null : Number(value));

/** As it was told; where something of it is withheld, it is made of what is left. */
function summaryOf({ ruleName, message }: Pick<AlertRow, 'ruleName' | 'message'>): string {
  return (message.summary as string | null) ?? seenSummary(ruleName, message.labels);
}

export async function readAlerts(reader: Reader, statement: Statement): Promise<readonly AlertRow[]> {
  const rows = await reader.rows<Raw<AlertRow, 'startsAt' | 'firedAt' | 'endsAt'>>(statement);
  return rows.map((row) => ({
    ...row,
    message: { ...row.message, summary: summaryOf(row) },
    startsAt: Number(row.startsAt),
    firedAt: instant(row.firedAt),
    endsAt: instant(row.endsAt),
  }));
}

/** A rule as it is stored, with how many of its alerts fire. */
export interface AlertRuleRow {
  readonly id: string;
  readonly name: string;
  readonly kind: AlertRuleKind;
  readonly source: RuleSource;
  readonly enabled: boolean;
  /** As people write it. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly revision: number;
  readonly updatedBy: string;
  readonly updatedAt: Instant;
  readonly firing: number;
}

/** Rules by name: all of them, or the one of this id. */
export function alertRulesStatement(id?: string): Statement {
  const where = id === undefined ? '' : '\nWHERE r.id = $1::text';
  return {
    text: `SELECT r.id, r.name, r.kind, r.source, r.enabled, r.spec, r.revision, r.updated_by AS "updatedBy",
       ${microsOf('r.updated_at')} AS "updatedAt",
       (SELECT count(*)::int FROM alert a WHERE a.rule_id = r.id AND a.state = 'firing') AS firing
FROM alert_rule r${where}
ORDER BY r.name`,
    values: id === undefined ? [] : [id],
  };
}

export async function readAlertRules(reader: Reader, statement: Statement): Promise<readonly AlertRuleRow[]> {
  const rows = await reader.rows<Raw<AlertRuleRow, 'updatedAt'>>(statement);
  return rows.map((row) => ({ ...row, updatedAt: Number(row.updatedAt) }));
}

export interface SilenceRow {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly author: string;
  readonly comment: string;
  readonly startsAt: Instant;
  readonly endsAt: Instant;
  readonly createdAt: Instant;
}

const SILENCES = `SELECT s.id, s.matchers, s.author, s.comment, ${microsOf('s.starts_at')} AS "startsAt",
       ${microsOf('s.ends_at')} AS "endsAt", ${microsOf('s.created_at')} AS "createdAt"
FROM silence s`;

/** Silences that end after an instant, the next to end first; at most 500. */
export function silencesStatement(endAfter: Instant): Statement {
  const params = new Params();
  const text = `${SILENCES}\nWHERE s.ends_at > ${instantParam(params, endAfter)}\nORDER BY s.ends_at, s.id\nLIMIT 500`;
  return { text, values: params.values };
}

export function silenceByIdStatement(id: string): Statement {
  return { text: `${SILENCES}\nWHERE s.id = $1::text`, values: [id] };
}

export async function readSilences(reader: Reader, statement: Statement): Promise<readonly SilenceRow[]> {
  const rows = await reader.rows<Raw<SilenceRow, 'startsAt' | 'endsAt' | 'createdAt'>>(statement);
  return rows.map((row) => ({
    ...row,
    startsAt: Number(row.startsAt),
    endsAt: Number(row.endsAt),
    createdAt: Number(row.createdAt),
  }));
}
