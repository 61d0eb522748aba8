import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeStream } from '@whydrop/decoders';
import type { Envelope } from '@whydrop/contracts';
import {
  type Database,
  loadBatch,
  migrate,
  openDatabase,
  startEmbeddedPostgres,
  storeDecoded,
  storeRawBatch,
} from '@whydrop/storage';

// Raw batch in to stored rows out (inflate, decode, normalise, COPY, ledger, commit; two commits a batch), against COPY of the
// same rows into the same table and indexes, committed batch by batch. Both in one run on one machine: read the ratio.
const ROOT = path.resolve(import.meta.dirname, '../..');
const BATCHES = 40;
const LINES = 10_000;
const START = Date.UTC(2026, 10, 20) / 1000;

function payload(batch: number): string {
  const lines: string[] = [];
  for (let i = 0; i < LINES; i++) {
    const n = batch * LINES + i;
    const [source, destination] = [`10.1.${(n >> 8) & 255}.${n & 255}`, `10.2.${n % 7}.${n % 251}`];
    const port = 1024 + (n % 60_000);
    const tuple = `src=${source} dst=${destination} sport=${port} dport=443`;
    const reply = `src=${destination} dst=${source} sport=443 dport=${port}`;
    const time = (START + n / 5000).toFixed(6);
    lines.push(`[${time}]\t    [NEW] tcp      6 120 SYN_SENT ${tuple} [UNREPLIED] ${reply} id=${n}`);
  }
  return `${lines.join('\n')}\n`;
}

function envelope(sequence: number): Envelope {
  const times = { observedFrom: null, observedTo: null, firstLine: 1, attributes: {} };
  const place = { cluster: 'bench', node: 'n1', stream: 'conntrack.log', format: 'conntrack-events' };
  return { version: 1, ...place, ...times, epoch: 0, sequence };
}

async function throughIngest(database: Database, payloads: readonly string[]): Promise<number> {
  const began = process.hrtime.bigint();
  for (const [sequence, text] of payloads.entries()) {
    const stored = await storeRawBatch(database, envelope(sequence), Buffer.from(text));
    const id = 'batchId' in stored ? BigInt(stored.batchId) : 0n;
    const batch = await loadBatch(database, id);
    if (!batch) throw new Error(`batch ${id} is not there`);
    const context = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
    const decoded = decodeStream('conntrack-events', batch.payload, context);
    await storeDecoded(database, batch, decoded, Date.now() * 1000);
  }
  return Number(process.hrtime.bigint() - began) / 1e9;
}

/** The rows that are there, copied by the server into an equal table: what COPY alone costs, without a client's work. */
async function plainCopy(database: Database): Promise<number> {
  const columns = '(LIKE flow INCLUDING ALL) PARTITION BY RANGE (observed_at)';
  await database.pool.query(`CREATE TABLE flow_copy ${columns}`);
  await database.pool.query('CREATE TABLE flow_copy_default PARTITION OF flow_copy DEFAULT');
  const client = await database.pool.connect();
  const { from, to } = await import('pg-copy-streams');
  const { pipeline } = await import('node:stream/promises');
  const { Readable } = await import('node:stream');
  const { rows } = await client.query<{ id: bigint }>('SELECT DISTINCT batch_id AS id FROM flow ORDER BY 1');
  const bodies: Buffer[] = [];
  for (const { id } of rows) {
    const parts: Buffer[] = [];
    const source = client.query(to(`COPY (SELECT * FROM flow WHERE batch_id = ${id}) TO STDOUT BINARY`));
    for await (const part of source) parts.push(part as Buffer);
    bodies.push(Buffer.concat(parts));
  }
  const began = process.hrtime.bigint();
  for (const body of bodies) {
    await pipeline(Readable.from([body]), client.query(from('COPY flow_copy FROM STDIN BINARY')));
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  client.release();
  return seconds;
}

const dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-bench-'));
const server = await startEmbeddedPostgres({ dataDir, ephemeral: true });
try {
  await migrate(server.url, path.join(ROOT, 'prisma', 'migrations'));
  const database = openDatabase(server.url);
  const payloads = Array.from({ length: BATCHES }, (_, batch) => payload(batch));
  const ingest = await throughIngest(database, payloads);
  const copy = await plainCopy(database);
  const rows = BATCHES * LINES;
  const rate = (seconds: number) => `${Math.round(rows / seconds).toLocaleString('en')} rows/s`;
  console.log(`ingest, raw batch to stored rows: ${rate(ingest)}`);
  console.log(`COPY of the same rows, same table: ${rate(copy)}`);
  console.log(`ratio: ${(copy / ingest).toFixed(2)}`);
  await database.close();
} finally {
  await server.stop();
}
