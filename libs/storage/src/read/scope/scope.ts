import type { Statement } from '../reader.js';
import { SCOPED_TABLES } from './tables.js';

/** Whose data are asked for: what has an end in one of these namespaces, of one cluster or of all. */
export interface Scope {
  readonly namespaces: readonly string[];
  readonly cluster?: string | undefined;
}

/**
 * The same statement over less: every table that it names is replaced by what the scope leaves of it. A table for which
 * nothing says what is left is not found, if the session looks for tables nowhere else (`SCOPED_SESSION`). So filters,
 * sorts, cursors and counts see only what may be shown, whatever a read model does.
 */
export function scopedStatement({ text, values }: Statement, { namespaces, cluster }: Scope): Statement {
  const own = `$${values.length + 1}::text[]`;
  const only = `$${values.length + 2}::text`;
  const tables = Object.entries(SCOPED_TABLES).map(([name, sql]) => {
    return `"${name}" AS NOT MATERIALIZED (${sql.replaceAll('$own', own).replaceAll('$cluster', only)})`;
  });
  const rest = text.trimStart();
  const further = /^WITH\s+(?!RECURSIVE\b)/i.exec(rest);
  const main = further ? `, ${rest.slice(further[0].length)}` : `\n${rest}`;
  return { text: `WITH ${tables.join(',\n')}${main}`, values: [...values, namespaces, cluster ?? null] };
}

/** A session in which no table is found by its bare name. */
export const SCOPED_SESSION = '-c search_path=pg_catalog';
