import { createHash } from 'node:crypto';
import { isSortKey, type SortColumn } from '@whydrop/storage';
import { badInput } from '../server/graphql-error.js';

/** Text of a value that is the same however its keys are ordered; absent and null parts count as nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const parts = Object.entries(value).filter(([, part]) => part !== undefined && part !== null);
  return `{${parts
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`)
    .join()}}`;
}

/**
 * Cursors of one list. A cursor names the sort values of its row, and the list (what is listed, filter, order) by a hash:
 * in another list it means nothing and is refused.
 */
export class Cursors {
  private readonly list: string;

  constructor(
    private readonly columns: readonly SortColumn[],
    ...list: readonly unknown[]
  ) {
    this.list = createHash('sha256').update(canonical(list)).digest('base64url').slice(0, 12);
  }

  write(sortKey: readonly string[]): string {
    return Buffer.from(JSON.stringify([this.list, ...sortKey])).toString('base64url');
  }

  /** Sort values a cursor names; throws BAD_USER_INPUT for one of another list, or none. */
  read(cursor: string, argument = 'after'): readonly string[] {
    const [list, ...sortKey] = parts(cursor);
    if (list === undefined || !isSortKey(this.columns, sortKey)) throw badInput(`${argument}: is not a cursor`);
    if (list !== this.list)
      throw badInput(`${argument}: is a cursor of another filter or order; start again without it`);
    return sortKey;
  }
}

function parts(cursor: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) && value.every((part) => typeof part === 'string') ? value : [];
  } catch {
    return [];
  }
}
