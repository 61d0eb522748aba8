import { correlate } from '@whydrop/explain';
import type pg from 'pg';
import type { Database } from '../database.js';
import { replaceDrops } from './drops.js';
import { loadSurroundings } from './surroundings.js';
import { candidateKeys, loadWitnesses } from './witnesses.js';
import { type CorrelationWork, finishCorrelation, takeCorrelationWork } from './work.js';

/** What one run did. */
export interface CorrelationResult {
  readonly batches: number;
  readonly drops: number;
}

async function correlateSpan(client: pg.PoolClient, clusterId: number, work: CorrelationWork): Promise<number> {
  if (!work.dirty) return 0;
  const start = await candidateKeys(client, clusterId, work.dirty);
  if (start.length === 0) return 0;
  const { witnesses, keys } = await loadWitnesses(client, clusterId, start, work.dirty);
  const surroundings = await loadSurroundings(client, work.cluster, clusterId, witnesses, work.dirty);
  return replaceDrops(client, clusterId, keys, work.dirty, correlate(witnesses, surroundings));
}

/**
 * The correlate stage: explains anew every connection that newly stored batches bear on, and writes the drops, their
 * groups and the batches' ledger rows in one transaction. Running it again, or in another order, changes nothing.
 */
export async function correlateCluster(database: Database, clusterId: number): Promise<CorrelationResult> {
  return database.transaction(async (client) => {
    const work = await takeCorrelationWork(client, clusterId);
    if (work.batches.length === 0) return { batches: 0, drops: 0 };
    const drops = await correlateSpan(client, clusterId, work);
    await finishCorrelation(client, work.batches, drops);
    return { batches: work.batches.length, drops };
  });
}
