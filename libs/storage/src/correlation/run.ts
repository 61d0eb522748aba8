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
import {
  createHistoryCache,
  type HistoryCache,
  loadHistory,
  loadSurroundings,
  type Whereabouts,
} from './surroundings.js';
import { candidateKeys } from './candidate-keys.js';
import { loadWitnesses } from './witnesses.js';
import type { Span } from './spans.js';
import { finishCorrelation, REACH, takeCorrelationWork } from './work.js';

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
  where: Whereabouts,
  span: Span,
): Promise<number> {
  const { clusterId } = where;
  const start = await candidateKeys(client, clusterId, span);
  if (start.length === 0) return 0;
  const { witnesses, keys } = await loadWitnesses(client, payloads, clusterId, start, span);
  const surroundings = await loadSurroundings(client, histories, where, witnesses, span);
  const replaced = await replaceDrops(client, clusterId, keys, span, correlate(witnesses, surroundings));
  await notifyObserved(client, replaced.fresh);
  await writeGroupChanges(client, (at) => loadHistory(client, histories, clusterId, at - REACH * 2, at), replaced);
  return replaced.drops;
}

/** What rules and plugins counted, set against the drops that were just written. */
async function countSpan(
  client: pg.PoolClient,
  { histories, moved }: Caches,
  clusterId: number,
  cluster: string,
  span: Span,
): Promise<void> {
  const [from, to] = [span[0] - LONGEST_WINDOW, span[1] + LONGEST_WINDOW];
  const history = await loadHistory(client, histories, clusterId, from, to);
  await replaceCounted(client, moved, history, cluster, clusterId, span);
}

/**
 * The correlate stage: explains anew every connection that newly stored batches bear on, and writes the drops, their
 * groups and the batches' ledger rows in one transaction. Running it again, or in another order, changes nothing.
 */
export async function correlateCluster(database: Database, clusterId: number): Promise<CorrelationResult> {
  return database.transaction(async (client) => {
    const work = await takeCorrelationWork(client, clusterId);
    if (work.batches.length === 0) return { batches: 0, drops: 0 };
    const known = cachesOf(database);
    let drops = 0;
    for (const span of work.dirty) drops += await correlateSpan(client, known, { ...work, clusterId }, span);
    for (const span of work.counted) await countSpan(client, known, clusterId, work.cluster, span);
    await noteReconciliation(client, clusterId, work.batches);
    await markSeen(client, clusterId, work.batches);
    await finishCorrelation(client, work, drops);
    return { batches: work.batches.length, drops };
  });
}
