import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { type Database, evaluateAlerts, openDatabase, syncRules } from '@whydrop/storage';
import { testDatabase, type TestDatabase } from '@whydrop/testing';
import { alertsOf, Cluster, outboxOf } from '../../libs/storage/src/alerts/alerts.fixture.js';

jest.setTimeout(300_000);

const MINUTE = 60_000_000;
const ROOT = path.resolve(import.meta.dirname, '../..');
const EVALUATOR = path.join(import.meta.dirname, 'alerts-evaluator.mjs');
const POLICIES = 4;
const KILLS = 12;
const T = Date.UTC(2026, 10, 18, 12, 0) * 1000;

let test: TestDatabase;
let database: Database;
let home: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  if (!existsSync(path.join(ROOT, 'dist/libs/storage'))) throw new Error('not built: node tools/prepare.mjs');
  test = await testDatabase();
  database = openDatabase(test.url);
  home = mkdtempSync(path.join(tmpdir(), 'whydrop-alerts-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.close();
  await test.drop();
  rmSync(home, { recursive: true, force: true });
});

/** A process that evaluates from one moment to another, minute by minute, and says when it is done. */
function startEvaluator(from: number, to: number): { child: ChildProcess; done: Promise<boolean> } {
  const child = spawn(process.execPath, [EVALUATOR, String(from), String(to)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DATABASE_URL: test.url },
  });
  children.add(child);
  const done = new Promise<boolean>((resolve) => child.once('exit', (code) => resolve(code === 0)));
  return { child, done };
}

/** Some policies, each of which blocks a lot for three minutes, one after the other; all is over in the end. */
async function incidents(): Promise<void> {
  const cluster = await Cluster.create(database);
  await cluster.seen(T - 120 * MINUTE, T + 60 * MINUTE);
  for (let i = 0; i < POLICIES; i++) {
    await cluster.group({ id: `g${i}`, policy: `NetworkPolicy/dev/p${i}` });
    await cluster.drops([0, 1, 2].map((minute) => [`g${i}`, T + (2 * i + minute) * MINUTE, 100] as const));
  }
}

it('a worker killed at any moment loses no change of state and tells none twice', async () => {
  await database.pool.query(`INSERT INTO receiver (name, kind, settings) VALUES ('pager', 'webhook', '{}')`);
  await syncRules(database, []);
  await incidents();
  await evaluateAlerts(database, T - MINUTE);
  let kills = 0;
  let at = T;
  // The next worker's clock begins where the killed one's stood; they die after one to three steps, somewhere in the next one.
  for (;;) {
    const { child, done } = startEvaluator(at, T + 30 * MINUTE);
    let left = kills < KILLS ? 1 + (kills % 3) : Infinity;
    child.stdout?.on('data', (text: Buffer) => {
      const steps = text.toString().trim().split('\n');
      at = Number(steps.at(-1));
      left -= steps.length;
      if (left <= 0) setTimeout(() => child.kill('SIGKILL'), (kills * 7) % 20);
    });
    if (await done) break;
    kills++;
  }
  expect(kills).toBe(KILLS);
  const alerts = await alertsOf(database);
  expect(alerts.map(({ state, sequence, labels }) => [labels['policy'], state, sequence])).toEqual(
    Array.from({ length: POLICIES }, (_, i) => [`NetworkPolicy/dev/p${i}`, 'resolved', 2]),
  );
  const outbox = await outboxOf(database);
  expect(outbox.filter((text) => text === 'BlockedSpike firing 1')).toHaveLength(POLICIES);
  expect(outbox.filter((text) => text === 'BlockedSpike resolved 2')).toHaveLength(POLICIES);
  expect(outbox).toHaveLength(2 * POLICIES);
});
