import { LRUCache } from 'lru-cache';
import type { Database } from '../database.js';

/** A statement that has to be written, and may wait. */
interface Debt {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What another worker stores meanwhile is never asked for here again: the oldest are let go. */
const MOST_BATCHES = 10_000;

const debts = new WeakMap<Database, LRUCache<bigint, readonly Debt[]>>();

function owedBy(database: Database): LRUCache<bigint, readonly Debt[]> {
  const known = debts.get(database) ?? new LRUCache<bigint, readonly Debt[]>({ max: MOST_BATCHES });
  debts.set(database, known);
  return known;
}

/**
 * Writes now, or later when Postgres cannot: on a full disk a page may have room for one row, and none for the next. So it
 * could be counted that work on a batch began, and not that nobody is to blame for its end.
 */
export async function payOrOwe(database: Database, batch: bigint, debt: Debt): Promise<void> {
  try {
    await database.pool.query(debt.text, [...debt.values]);
  } catch {
    const owed = owedBy(database);
    owed.set(batch, [...(owed.get(batch) ?? []), debt]);
  }
}

/** Writes what is owed for a batch. Throws when Postgres cannot be written to; then it is owed on. */
export async function settleDebts(database: Database, batch: bigint): Promise<void> {
  const owed = owedBy(database);
  for (let [debt, ...others] = owed.get(batch) ?? []; debt; [debt, ...others] = others) {
    await database.pool.query(debt.text, [...debt.values]);
    if (others.length > 0) owed.set(batch, others);
    else owed.delete(batch);
  }
}
