import { correlate } from '@whydrop/explain';
import type pg from 'pg';
import type { Database } from '../database.js';
import { createMovedCache, LONGEST_WINDOW, type MovedCache, replaceCounted } from './counted.js';
import { replaceDrops } from './drops.js';
import { writeGroupChanges } from './group-changes.js';
import { notifyObserved } from '../live/observed.js';
import { markSeen } from '../rollup/seen.js';
import { createPayloadCache, type PayloadCache } from './raw-lines.js';
import { noteReconciliation } from './reconciliation-due.js';
import { createHistoryCache, type HistoryCache, loadHistory, loadSurroundings } from './surroundings.js';
import { candidateKeys, loadWitnesses } from './witnesses.js';
import { type CorrelationWork, finishCorrelation, REACH, takeCorrelationWork } from './work.js';

/** What one run did. */
export interface CorrelationResult {
  readonly batches: number;
  readonly drops: number;
}

/** What a process remembers of one database between its runs. */
interface Caches {
  readonly payloads: PayloadCache;
  readonly histories: HistoryCache;
  readonly moved: MovedCache;
}

const caches = new WeakMap<Database, Caches>();

function cachesOf(database: Database): Caches {
  const known = caches.get(database) ?? {
    payloads: createPayloadCache(),
    histories: createHistoryCache(),
    moved: createMovedCache(),
  };
  caches.set(database, known);
  return known;
}

async function correlateSpan(
  client: pg.PoolClient,
  { payloads, histories }: Caches,
  clusterId: number,
  work: CorrelationWork,
): Promise<number> {
  if (!work.dirty) return 0;
  const start = await candidateKeys(client, clusterId, work.dirty);
  if (start.length === 0) return 0;
  const { witnesses, keys } = await loadWitnesses(client, payloads, clusterId, start, work.dirty);
  const surroundings = await loadSurroundings(client, histories, work.cluster, clusterId, witnesses, work.dirty);
  const replaced = await replaceDrops(client, clusterId, keys, work.dirty, correlate(witnesses, surroundings));
  await notifyObserved(client, replaced.fresh);
  await writeGroupChanges(client, (at) => loadHistory(client, histories, clusterId, at - REACH * 2, at), replaced);
  return replaced.drops;
}

/** What rules and plugins counted, set against the drops that were just written. */
async function countSpan(
  client: pg.PoolClient,
  { histories, moved }: Caches,
  clusterId: number,
  { counted, cluster }: CorrelationWork,
): Promise<void> {
  if (!counted) return;
  const [from, to] = [counted[0] - LONGEST_WINDOW, counted[1] + LONGEST_WINDOW];
  const history = await loadHistory(client, histories, clusterId, from, to);
  await replaceCounted(client, moved, history, cluster, clusterId, counted);
}

/**
 * The correlate stage: explains anew every connection that newly stored batches bear on, and writes the drops, their
 * groups and the batches' ledger rows in one transaction. Running it again, or in another order, changes nothing.
 */
export async function correlateCluster(database: Database, clusterId: number): Promise<CorrelationResult> {
  return database.transaction(async (client) => {
    const work = await takeCorrelationWork(client, clusterId);
    if (work.batches.length === 0) return { batches: 0, drops: 0 };
    const drops = await correlateSpan(client, cachesOf(database), clusterId, work);
    await countSpan(client, cachesOf(database), clusterId, work);
    await noteReconciliation(client, clusterId, work.batches);
    await markSeen(client, clusterId, work.batches);
    await finishCorrelation(client, work.batches, drops);
    return { batches: work.batches.length, drops };
  });
}
