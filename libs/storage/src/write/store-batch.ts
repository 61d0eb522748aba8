import type { Decoded } from '@whydrop/decoders';
import type { Instant, Reject } from '@whydrop/model';
import type pg from 'pg';
import type { Database } from '../database.js';
import { keptFrom } from '../retention/floor.js';
import { claimStage, type StoredBatch } from './batch.js';
import { CopyRows } from './copy.js';
import { addFlow, flowRows } from './flow-rows.js';
import { storeMetrics, storeNotices } from './metric-rows.js';
import { storeObjects } from './object-rows.js';
import { addPacket, packetRows } from './packet-rows.js';
import { ensurePartitions, ensureRollups } from './partitions.js';
import { storeHost, storeInterfaces, storeIpsets, storeRuleset } from './snapshot-rows.js';
import { type Sorted, sortDecoded } from './sorted.js';
import { refuseOld } from './too-old.js';
import { countingTimes, type Touched, touchedBy } from './touched.js';
import { storeVerdicts } from './verdict-rows.js';

const REJECT_COLUMNS = ['batch_id', 'ordinal', 'line', 'reason', 'detail', 'raw', 'received_at'] as const;

/** Keeps what was not understood. */
export async function storeRejects(
  client: pg.PoolClient,
  batch: StoredBatch,
  rejects: readonly Reject[],
  firstOrdinal = 0,
): Promise<void> {
  const rows = new CopyRows('reject', REJECT_COLUMNS, rejects.length);
  for (const [ordinal, reject] of rejects.entries()) {
    rows
      .row()
      .int8(batch.id)
      .int4(firstOrdinal + ordinal)
      .int4(reject.line);
    rows.text(reject.reason).text(reject.detail).text(reject.raw).timestamp(batch.receivedAt);
  }
  await rows.send(client);
}

/** Gives the time from which on the cluster's objects are others than before. */
async function storeSorted(
  client: pg.PoolClient,
  batch: StoredBatch,
  sorted: Sorted,
  firstOrdinal: number,
): Promise<Instant | undefined> {
  const flows = flowRows(sorted.flows.length);
  for (const flow of sorted.flows) addFlow(flows, batch.emitterId, batch.id, flow);
  await flows.send(client);
  const packets = packetRows(sorted.packets.length);
  for (const packet of sorted.packets) addPacket(packets, batch.emitterId, batch.id, packet);
  await packets.send(client);
  for (const snapshot of sorted.rulesets) await storeRuleset(client, batch.emitterId, batch.id, snapshot);
  for (const snapshot of sorted.ipsets) await storeIpsets(client, batch.emitterId, batch.id, snapshot);
  for (const snapshot of sorted.interfaces) await storeInterfaces(client, batch.emitterId, batch.id, snapshot);
  for (const snapshot of sorted.hosts) await storeHost(client, batch.emitterId, batch.id, snapshot);
  await storeVerdicts(client, batch.emitterId, batch.id, sorted.verdicts, firstOrdinal);
  await storeMetrics(client, batch.emitterId, batch.id, sorted.metrics, firstOrdinal);
  await storeNotices(client, batch.emitterId, batch.id, sorted.notices);
  await storeRejects(client, batch, sorted.rejects, firstOrdinal);
  return storeObjects(client, batch.clusterId, batch.id, sorted.objects);
}

/** What comes from a time that was removed would be told a second time: it is refused. */
function refuse(sorted: Sorted, from: Instant | undefined): void {
  const { flows, packets, rulesets, ipsets, interfaces, hosts, verdicts, metrics, notices } = sorted;
  const timed = [flows, packets, rulesets, ipsets, interfaces, hosts, verdicts, metrics, notices];
  const reject = from === undefined ? undefined : refuseOld(timed, from);
  if (reject) sorted.rejects.push(reject);
}

/** Ends the store stage in the ledger. */
export async function finishStore(
  client: pg.PoolClient,
  batch: StoredBatch,
  rows: number,
  rejects: number,
  touched: Touched,
) {
  await client.query(
    `UPDATE batch_stage SET rows = $2, rejects = $3, touched = $4, finished_at = now() WHERE batch_id = $1 AND stage = 'store'`,
    [batch.id, rows, rejects, JSON.stringify(touched)],
  );
}

async function makePartitions(database: Database, sorted: Sorted, now: Instant): Promise<void> {
  const times = (items: readonly { readonly observedAt: Instant }[]) => items.map((item) => item.observedAt);
  await ensurePartitions(database, 'flow', times(sorted.flows), now);
  await ensurePartitions(database, 'packet_log', times(sorted.packets), now);
  await ensurePartitions(database, 'ruleset_snapshot', times(sorted.rulesets), now);
  await ensurePartitions(database, 'flow_verdict', times(sorted.verdicts), now);
  await ensurePartitions(database, 'metric_sample', times(sorted.metrics), now);
  // A drop is first seen when its first witness is.
  const witnessed = times([...sorted.flows, ...sorted.packets, ...sorted.verdicts]);
  await ensurePartitions(database, 'drop', witnessed, now);
  // What was counted is counted up to a snapshot, a sample or the end of an aggregate.
  const counted = [...times(sorted.rulesets), ...countingTimes(sorted)];
  await ensurePartitions(database, 'counted_drop', counted, now);
  await ensureRollups(database, witnessed, now);
  await ensureRollups(database, counted, now);
}

/** What some records became. */
export interface StoredRecords {
  readonly rows: number;
  readonly rejects: number;
  readonly touched: Touched;
}

/**
 * Writes records of a batch in a transaction that `claim` begins: false, and nothing is written, when it finds that they are
 * there. Ordinals of rejects, samples and verdicts count from what it gives.
 */
export async function storeRecords(
  database: Database,
  batch: StoredBatch,
  decoded: Iterable<Decoded>,
  now: Instant,
  claim: (client: pg.PoolClient) => Promise<number | undefined>,
  finish: (client: pg.PoolClient, stored: StoredRecords) => Promise<void>,
): Promise<boolean> {
  const sorted = sortDecoded(decoded);
  refuse(sorted, await keptFrom(database.pool, batch.clusterId));
  await makePartitions(database, sorted, now);
  return database.transaction(async (client) => {
    const firstOrdinal = await claim(client);
    if (firstOrdinal === undefined) return false;
    const objectsFrom = await storeSorted(client, batch, sorted, firstOrdinal);
    const rejects = sorted.rejects.length;
    const rows = Object.values(sorted).reduce((sum, items) => sum + items.length, 0) - rejects;
    await finish(client, { rows, rejects, touched: touchedBy(sorted, objectsFrom) });
    return true;
  });
}

/**
 * The store stage: all rows of a batch and its ledger row in one transaction. False when it was done before.
 * Deterministic: the same batch gives the same rows.
 */
export function storeDecoded(
  database: Database,
  batch: StoredBatch,
  decoded: Iterable<Decoded>,
  now: Instant,
): Promise<boolean> {
  const claim = async (client: pg.PoolClient) => ((await claimStage(client, batch.id, 'store')) ? 0 : undefined);
  return storeRecords(database, batch, decoded, now, claim, (client, { rows, rejects, touched }) =>
    finishStore(client, batch, rows, rejects, touched),
  );
}
