import type { Chain, RulesetSnapshot } from '@whydrop/model';

const lookups = new WeakMap<RulesetSnapshot, ReadonlyMap<string, ReadonlyMap<string, Chain>>>();

function tablesOf(snapshot: RulesetSnapshot): ReadonlyMap<string, ReadonlyMap<string, Chain>> {
  const known = lookups.get(snapshot);
  if (known) return known;
  const tables = new Map(
    snapshot.tables.map((table) => [table.name, new Map(table.chains.map((chain) => [chain.name, chain]))]),
  );
  lookups.set(snapshot, tables);
  return tables;
}

/** The chain of that name, in constant time after the first question about a snapshot. */
export function findChain(snapshot: RulesetSnapshot, table: string, chain: string): Chain | undefined {
  return tablesOf(snapshot).get(table)?.get(chain);
}

/** All chains of a table by name; empty when there is no such table. */
export function chainsOf(snapshot: RulesetSnapshot, table: string): ReadonlyMap<string, Chain> {
  return tablesOf(snapshot).get(table) ?? new Map();
}
