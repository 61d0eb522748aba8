import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { message, openStage, PENDING, type Stage, startReceiver } from './deliver-stage.js';

jest.setTimeout(120_000);

const WORKER = path.resolve(import.meta.dirname, '../../dist/apps/worker/src/main.js');

let stage: Stage;
let home: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (!existsSync(WORKER)) throw new Error(`${WORKER} is not there: node tools/prepare.mjs builds it`);
  stage = await openStage();
  home = mkdtempSync(path.join(tmpdir(), 'whydrop-killed-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await stage.stop();
  rmSync(home, { recursive: true, force: true });
});

/** A worker as a process of its own, on the database of the stage. */
function startWorker(): ChildProcess {
  const { REDIS_URL: _redis, ...environment } = process.env;
  const child = spawn(process.execPath, [WORKER], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...environment,
      DATABASE_URL: stage.databaseUrl,
      WHYDROP_DATA: home,
      WHYDROP_LOG: 'error',
      WHYDROP_SECRET_KEY: stage.key.toString('base64'),
      WHYDROP_WEBHOOK_ALLOW: '127.0.0.1',
    },
  });
  children.push(child);
  return child;
}

it('a worker killed between sending and writing it down: the next one sends it again, with the same id and in order', async () => {
  const taken: string[] = [];
  let killed: Promise<unknown> = Promise.resolve();
  const receiver = await startReceiver(({ headers }, response) => {
    const key = String(headers['webhook-id']);
    if (!taken.includes(key)) taken.push(key);
    if (children.length === 1) {
      // taken, and the worker dies before it hears so
      const [child] = children;
      killed = new Promise((resolve) => void child?.once('exit', resolve));
      child?.kill('SIGKILL');
      return;
    }
    response.end();
  });
  const { received } = receiver;
  try {
    await stage.webhook('hook', receiver.port);
    const keys: string[] = [];
    for (const sequence of [1, 2]) await stage.tell(message('a', sequence), 'hook');
    for (const { key } of await stage.rows<{ key: string }>('SELECT key FROM alert_delivery ORDER BY sequence'))
      keys.push(key);
    startWorker();
    for (let i = 0; received.length === 0; i++) {
      if (i > 400) throw new Error('the worker sent nothing');
      await sleep(100);
    }
    await killed;
    expect(
      await stage.rows('SELECT state, attempts, lease_until > now() AS leased FROM alert_delivery ORDER BY sequence'),
    ).toEqual([
      { state: 'pending', attempts: 1, leased: true },
      { state: 'pending', attempts: 0, leased: null },
    ]);
    // the lease runs out
    await stage.rows('UPDATE alert_delivery SET lease_until = now() WHERE lease_until IS NOT NULL');
    startWorker();
    await stage.untilNone(PENDING);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([keys[0], keys[0], keys[1]]);
    expect(taken).toEqual(keys);
    expect(received[0]?.body).toBe(received[1]?.body);
  } finally {
    await receiver.close();
  }
});
