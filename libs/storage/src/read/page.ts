import { formatInstant, type Instant } from '@whydrop/model';
import type { Params } from './condition.js';

/** `[from, to)`; `to` undefined: until now and later. */
export interface TimeRange {
  readonly from: Instant;
  readonly to: Instant | undefined;
}

/** One column of a sort; the last one of a list makes rows distinct. */
export interface SortColumn {
  readonly sql: string;
  readonly type: 'instant' | 'bigint' | 'text';
}

/** Which rows: so many after the row with these sort values, in this order. */
export interface PageRequest {
  readonly first: number;
  readonly descending: boolean;
  /** Sort values of the row before the page: instants in microseconds, the rest as text. */
  readonly after: readonly string[] | undefined;
}

/** A timestamptz column as whole microseconds since 1970. */
export function microsOf(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000000)::int8`;
}

/** Placeholder for an instant. */
export function instantParam(params: Params, instant: Instant): string {
  return params.add(formatInstant(instant), 'timestamptz');
}

function valueParam(params: Params, column: SortColumn, value: string): string {
  return column.type === 'instant' ? instantParam(params, Number(value)) : params.add(value, column.type);
}

/** Whether these texts can be sort values of these columns. */
export function isSortKey(columns: readonly SortColumn[], values: readonly string[]): boolean {
  const shape = { instant: /^-?\d{1,16}$/, bigint: /^-?\d{1,18}$/, text: /^[^\0]*$/ };
  return values.length === columns.length && columns.every((column, i) => shape[column.type].test(values[i] ?? ''));
}

/** The condition that leaves out what was on earlier pages: a comparison of whole rows, which an index can answer. */
export function afterSql(columns: readonly SortColumn[], page: PageRequest, params: Params): string {
  if (!page.after) return 'true';
  const placeholders = columns.map((column, i) => valueParam(params, column, page.after?.[i] ?? ''));
  const operator = page.descending ? '<' : '>';
  return `(${columns.map((column) => column.sql).join(', ')}) ${operator} (${placeholders.join(', ')})`;
}

/** ORDER BY and LIMIT: one row more than asked for tells whether there is a next page. */
export function pageSql(columns: readonly SortColumn[], page: PageRequest, params: Params): string {
  const direction = page.descending ? 'DESC' : 'ASC';
  const order = columns.map((column) => `${column.sql} ${direction}`).join(', ');
  return `ORDER BY ${order}\nLIMIT ${params.add(page.first + 1, 'int')}`;
}

/** Rows are counted up to here; more is not worth the time it takes. */
export const COUNT_LIMIT = 10_000;
