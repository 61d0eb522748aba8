/**
 * The same storm through the database: stored records in, drops, groups and ledger rows out, in one transaction.
 * Build (`npx nest build --all`), then `node dist/bench/correlate-stored.js [drops, 20000]`.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Envelope } from '@whydrop/contracts';
import { decodeStream, type FormatId } from '@whydrop/decoders';
import { formatInstant } from '@whydrop/model';
import {
  correlateCluster,
  type Database,
  loadBatch,
  migrate,
  openDatabase,
  startEmbeddedPostgres,
  storeDecoded,
  storeRawBatch,
} from '@whydrop/storage';
import { T0 } from '../libs/explain/src/fixture.js';
import { OBJECTS, ruleset } from '../libs/explain/src/shop.js';
import { logged, unanswered } from '../libs/explain/src/storm.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DROPS = Number(process.argv[2] ?? 20_000);

async function store(
  database: Database,
  node: string | null,
  format: FormatId,
  seconds: number,
  payload: string,
): Promise<number> {
  const at = T0 + seconds * 1e6;
  const place = { cluster: 'bench', node, stream: format, format, epoch: 0, sequence: seconds + 10 };
  const envelope: Envelope = {
    version: 1,
    ...place,
    observedFrom: formatInstant(at),
    observedTo: null,
    firstLine: 1,
    attributes: {},
  };
  const stored = await storeRawBatch(database, envelope, Buffer.from(payload));
  const batch = await loadBatch(database, BigInt(stored.batchId));
  if (!batch) throw new Error('the batch is not there');
  const context = { observedFrom: at, observedTo: undefined, firstLine: 1, attributes: {} };
  await storeDecoded(database, batch, decodeStream(format, payload, context), at);
  return batch.clusterId;
}

const server = await startEmbeddedPostgres({
  dataDir: mkdtempSync(path.join(tmpdir(), 'whydrop-bench-')),
  ephemeral: true,
});
try {
  await migrate(server.url, path.join(ROOT, 'prisma', 'migrations'));
  const database = openDatabase(server.url);
  const all = Array.from({ length: DROPS }, (_, i) => i);
  const end = Math.ceil(DROPS / 50_000) + 10;
  await store(database, null, 'kubernetes-objects', 0, OBJECTS);
  await store(database, 'n2', 'iptables-save', 0, ruleset(0));
  await store(database, 'n2', 'iptables-save', end, ruleset(DROPS));
  await store(database, 'n1', 'conntrack-events', 1, all.map(unanswered).join(''));
  const cluster = await store(database, 'n2', 'nflog-gprint', 1, all.map(logged).join(''));
  const began = performance.now();
  const { drops } = await correlateCluster(database, cluster);
  const seconds = (performance.now() - began) / 1000;
  const { rows } = await database.pool.query<{ count: bigint }>('SELECT count(*) AS count FROM explanation');
  const rate = Math.round(drops / seconds).toLocaleString('en');
  process.stdout.write(
    `stored   ${drops.toLocaleString('en')} drops, ${rows[0]?.count} explanations, ${rate} drops/s\n`,
  );
  await database.close();
} finally {
  await server.stop();
}
