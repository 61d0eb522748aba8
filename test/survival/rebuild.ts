import { createHash } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../libs/storage/src/migrate/index.js';
import type { Chance } from './random.js';
import { ServerProcess } from './server-process.js';
import type { World } from './world.js';

/** What a reader sees, in an order that does not hang on ids of batches. */
const SEEN: readonly string[] = [
  `SELECT id, first_seen_at, last_seen_at, group_id, explanation_id, connection_key, host(source) AS source, source_port,
          host(destination) AS destination, destination_port, protocol, attempts, packets, detail FROM "drop" ORDER BY first_seen_at, id`,
  `SELECT id, verdict, cause, direction, basis, source_name, destination_name, destination_port, policies, first_seen_at, last_seen_at,
          drops, attempts, packets, explanation_id FROM drop_group ORDER BY id`,
  'SELECT id, body FROM explanation WHERE id IN (SELECT explanation_id FROM "drop") ORDER BY id',
  'SELECT line, reason, detail, raw FROM reject ORDER BY raw, line',
];

type Query = World['query'];

async function seen(query: Query): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const sql of SEEN) {
    const rows = await query<{ row: string }>(`SELECT row_to_json(t)::text AS row FROM (${sql}) t`);
    texts.push(rows.map(({ row }) => row).join('\n'));
  }
  return texts;
}

const COLUMNS = `stream, epoch::text, sequence::text, format, observed_from::text, observed_to::text, first_line, attributes, payload,
  payload_bytes, sha256, received_at::text, base::text`;

/** Every raw batch once more, in another order and with other ids; nothing else. */
async function copyBatches(from: Query, to: pg.Client, chance: Chance): Promise<void> {
  for (const { id, name } of await from('SELECT id, name FROM cluster'))
    await to.query('INSERT INTO cluster (id, name) VALUES ($1, $2)', [id, name]);
  for (const { id, cluster_id, node } of await from('SELECT id, cluster_id, node FROM emitter'))
    await to.query('INSERT INTO emitter (id, cluster_id, node) VALUES ($1, $2, $3)', [id, cluster_id, node]);
  const batches = await from<Record<string, unknown>>(`SELECT emitter_id, ${COLUMNS} FROM raw_batch ORDER BY id`);
  // Far enough that streams and minutes mix, near enough that a run does not look at all of the time again.
  const shuffled = batches
    .map((batch, at) => ({ batch, at: at + 300 * chance.next() }))
    .toSorted((a, b) => a.at - b.at);
  for (const { batch } of shuffled) {
    const names = Object.keys(batch);
    const values = names.map((name) => (name === 'attributes' ? JSON.stringify(batch[name]) : batch[name]));
    const places = names.map((_, at) => `$${at + 1}`).join(', ');
    await to.query(`INSERT INTO raw_batch (${names.join(', ')}) VALUES (${places})`, values);
  }
}

async function workThrough(world: World, url: string, to: pg.Client): Promise<void> {
  const worker = new ServerProcess({
    ...world.worker.plan,
    env: { ...world.environment, DATABASE_URL: url, WHYDROP_QUEUE_PREFIX: 'rebuilt' },
    log: path.join(world.dir, 'rebuild.log'),
  });
  worker.start();
  const killOnExit = () => void worker.signal('SIGKILL');
  process.once('exit', killOnExit);
  try {
    for (const end = Date.now() + 300_000; Date.now() < end; await sleep(200)) {
      const { rows } = await to.query('SELECT 1 FROM raw_batch WHERE finished_at IS NULL LIMIT 1');
      if (rows.length === 0) return;
    }
    throw new Error('the rebuilt database is not worked through after five minutes');
  } finally {
    process.removeListener('exit', killOnExit);
    await worker.stop();
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

export interface Rebuilt {
  /** Drops, groups, explanations and rejects are byte for byte the same. */
  readonly same: boolean;
  readonly drops: number;
  readonly digest: string;
  /** The first lines that differ, ours and the rebuilt one. */
  readonly difference: readonly string[];
}

/** A new database out of the raw batches alone, worked through in peace by one worker, against the one that went through the fire. */
export async function rebuild(world: World, chance: Chance): Promise<Rebuilt> {
  const before = await seen(world.query);
  await world.query('CREATE DATABASE rebuilt TEMPLATE template0');
  const url = Object.assign(new URL(world.postgres.url), { pathname: '/rebuilt' }).href;
  await migrate(url, path.join(world.product, 'prisma/migrations'));
  const to = new pg.Client({ connectionString: url, options: '-c timezone=UTC' });
  await to.connect();
  try {
    await copyBatches(world.query, to, chance);
    await workThrough(world, url, to);
    const query = (async (sql: string) => (await to.query(sql)).rows) as Query;
    const after = await seen(query);
    const at = before.findIndex((text, index) => text !== after[index]);
    const [ours = [], theirs = []] = [before, after].map((texts) => texts[at]?.split('\n'));
    const line = ours.findIndex((text, index) => text !== theirs[index]);
    return {
      same: at < 0,
      drops: before[0] === '' ? 0 : (before[0]?.split('\n').length ?? 0),
      digest: digest(before.join('\n')),
      difference: at < 0 ? [] : [ours[Math.max(0, line)] ?? '', theirs[Math.max(0, line)] ?? ''],
    };
  } finally {
    await to.end();
  }
}
