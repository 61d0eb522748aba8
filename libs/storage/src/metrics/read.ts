import type pg from 'pg';
import type { Database } from '../database.js';
import { FAMILIES, type StoredFamily } from './families.js';
import { chooseShown, MOST_POLICIES } from './shown-policies.js';
import { tallyBatches } from './tally.js';
import { carryTotal, TOTALS } from './totals.js';

/** One metric with its series. */
export interface StoredMetric extends Pick<StoredFamily, 'name' | 'help' | 'type'> {
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const LOCK = 72_707_391;

/** Postgres gives up on a scrape that would be late anyway. */
const TIMEOUT = '8s';

/** Totals are carried by one process at a time: the others show what it wrote. */
async function carry(client: pg.PoolClient, mostPolicies: number): Promise<void> {
  const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [LOCK]);
  if (!rows[0]?.mine) return;
  await tallyBatches(client);
  for (const total of TOTALS) await carryTotal(client, total);
  await chooseShown(client, mostPolicies);
}

async function readFamily(client: pg.PoolClient, { sql, labels, ...family }: StoredFamily): Promise<StoredMetric> {
  type Row = { readonly labels: readonly string[]; readonly value: bigint | number };
  const { rows } = await client.query<Row>(sql, [family.name]);
  const named = (values: readonly string[]) => Object.fromEntries(labels.map((label, i) => [label, values[i] ?? '']));
  const samples = rows.map((row) => ({ labels: named(row.labels), value: Number(row.value) }));
  return { name: family.name, help: family.help, type: family.type, samples };
}

/**
 * The metrics of everything that is stored. Counters never fall: not over restarts, not when retention takes away what they
 * counted, not when a drop is amended. The number of series is bounded by namespaces, causes, nodes, and `mostPolicies`.
 */
export function readStoredMetrics(
  database: Database,
  { mostPolicies = MOST_POLICIES }: { readonly mostPolicies?: number } = {},
): Promise<readonly StoredMetric[]> {
  return database.transaction(async (client) => {
    await client.query(`SET LOCAL statement_timeout = '${TIMEOUT}'`);
    await carry(client, mostPolicies);
    const metrics: StoredMetric[] = [];
    for (const family of FAMILIES) metrics.push(await readFamily(client, family));
    return metrics;
  });
}
