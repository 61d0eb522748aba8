import { ALERT_CHANNEL, createToken, notifyObserved } from '@whydrop/storage';
import { buildSchema } from 'graphql';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { WebSocket } from 'ws';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';
import { everything } from './everything.js';
import { FROM, storeWorld, type Others } from './worlds.js';

const SEED = 20261122;
const WORLDS: readonly Others[] = [
  { namespace: 'payments', word: 'salaries', own: 0, node: 'n2' },
  { namespace: 'zoo', word: 'elephant', own: 30, node: 'n7' },
];

interface World {
  readonly others: Others;
  readonly db: OpenTestDatabase;
  readonly api: RunningApi;
  readonly tokens: Readonly<Record<'dev' | 'all', string>>;
}
const worlds: World[] = [];

beforeAll(async () => {
  for (const others of WORLDS) {
    const db = await openTestDatabase();
    await storeWorld(db, SEED, others);
    const dev = (await createToken(db, { name: 'dev', role: 'viewer', namespaces: ['dev'] })).text;
    const all = (await createToken(db, { name: 'all', role: 'viewer' })).text;
    const api = await openTestApi(db, { now: () => FROM + 3_600_000 });
    worlds.push({ others, db, api, tokens: { dev, all } });
  }
}, 120_000);

afterAll(async () => {
  for (const { api, db } of worlds) {
    await api.close();
    await db.drop();
  }
});

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 1_000) throw new Error('it did not come to hold');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const schema = buildSchema(readFileSync(path.resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8'));
const selection = (type: 'DropObserved' | 'AlertChanged') => {
  const union = schema.getType(type);
  if (!union || !('getTypes' in union)) throw new Error(`${type} is no union`);
  return everything(schema, union, 4);
};

const OBSERVED = `subscription { dropObserved ${selection('DropObserved')} }`;
const SINCE = `subscription { dropObserved(since: "2026-11-20T11:00:00Z") ${selection('DropObserved')} }`;
const CHANGED = `subscription { alertChanged ${selection('AlertChanged')} }`;

const listeners = async ({ db }: World): Promise<number> => {
  const { rows } = await db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
  );
  return rows[0]?.count ?? 0;
};

/** Key of the drop or id of the alert that a frame tells. */
function toldIn(frame: string): string | undefined {
  type Told = { readonly key?: string; readonly id?: string };
  const { payload } = JSON.parse(frame) as { payload?: { data?: Readonly<Record<string, Told>> } };
  const { dropObserved, alertChanged } = payload?.data ?? {};
  return dropObserved?.key ?? alertChanged?.id;
}

/** The frames that a client gets of a subscription, as they come over the wire, up to the one that tells `last`. */
async function framesOf(world: World, as: 'dev' | 'all', query: string, act: () => Promise<void>, last: string) {
  await until(async () => (await listeners(world)) === 0);
  const frames: string[] = [];
  const socket = new WebSocket(`${world.api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const authorization = `Bearer ${world.tokens[as]}`;
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } })));
  socket.on('message', (data: Buffer) => {
    const text = data.toString('utf8');
    const { type } = JSON.parse(text) as { type: string };
    if (type === 'connection_ack') socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    else if (type !== 'ping' && type !== 'pong') frames.push(text);
  });
  await until(async () => (await listeners(world)) > 0);
  await act();
  await until(() => frames.some((frame) => toldIn(frame) === last));
  socket.terminate();
  return frames;
}

/** Own ids in the order in which they are told, those of others, if there are any, before and between them. */
function mixed(own: readonly string[], others: readonly string[]): readonly string[] {
  return own.flatMap((id, i) => [...others.filter((_, n) => n % own.length === i), id]);
}

const ownDrops = async ({ db }: World): Promise<readonly string[]> => {
  const { rows } = await db.pool.query<{ id: string }>(
    `SELECT id FROM "drop" WHERE id NOT LIKE 'o%' ORDER BY first_seen_at, id`,
  );
  return rows.map(({ id }) => id);
};
const otherDrops = ({ others }: World) =>
  Array.from({ length: others.own }, (_, i) => [`o${i}-0`, `o${i}-1`, `none-${i}`]).flat();

async function tellDrops(world: World, last: string): Promise<void> {
  const own = (await ownDrops(world)).filter((id) => id !== last);
  const [theirs, atLast] = [otherDrops(world).slice(9), otherDrops(world).slice(0, 9)];
  for (const id of mixed(own, theirs)) await world.db.transaction((client) => notifyObserved(client, [id]));
  // What comes in one transaction with others' is told all the same.
  await world.db.transaction((client) => notifyObserved(client, [...atLast, last]));
}

const OWN_ALERTS = [
  'a-plain',
  'a-policy',
  'a-policies',
  'a-pair',
  'a-namespaces',
  'a-outside',
  'a-drift',
  'a-unknown-label',
];

async function tellAlerts({ db, others }: World): Promise<void> {
  const theirs = Array.from({ length: others.own }, (_, i) => `z-${i}`);
  for (const id of mixed(OWN_ALERTS, theirs)) {
    await db.pool.query('SELECT pg_notify($1, $2)', [ALERT_CHANNEL, JSON.stringify({ id, state: 'firing' })]);
  }
}

const SECRETS = WORLDS.flatMap(({ namespace, word, node }) => [namespace, word, `"${node}"`]);
const secretsIn = (frames: readonly string[]) => SECRETS.filter((secret) => frames.join('\n').includes(secret));

async function both(as: 'dev' | 'all', query: string, tell: (world: World) => Promise<void>, last: string) {
  const [one, two] = await Promise.all(worlds.map((world) => framesOf(world, as, query, () => tell(world), last)));
  return [one ?? [], two ?? []] as const;
}

it('dropObserved of a namespace: the same bytes with and without the drops of others, and none about them', async () => {
  const [one, two] = await both('dev', OBSERVED, (world) => tellDrops(world, 'pair-1'), 'pair-1');
  expect(one).toHaveLength(52);
  expect(two).toEqual(one);
  expect(secretsIn(one)).toEqual([]);
}, 60_000);

it('dropObserved since a time: the past is the same bytes too', async () => {
  const [one, two] = await both('dev', SINCE, () => Promise.resolve(), 'pair-1');
  expect(one.length).toBe(52);
  expect(two).toEqual(one);
  expect(secretsIn(one)).toEqual([]);
}, 60_000);

it('alertChanged of a namespace: the same bytes with and without the alerts of others, and none about them', async () => {
  const [one, two] = await both('dev', CHANGED, tellAlerts, 'a-unknown-label');
  expect(one).toHaveLength(OWN_ALERTS.length);
  expect(two).toEqual(one);
  expect(secretsIn(one)).toEqual([]);
}, 60_000);

it('who sees everything is told of the others as well', async () => {
  const [one, two] = await both('all', OBSERVED, (world) => tellDrops(world, 'pair-1'), 'pair-1');
  expect([one.length, two.length]).toEqual([52, 112]);
  expect(secretsIn(two)).toEqual(['zoo', 'elephant', '"n7"']);
  const [few, many] = await both('all', CHANGED, tellAlerts, 'a-unknown-label');
  expect([few.length, many.length]).toEqual([8, 17]);
}, 60_000);
