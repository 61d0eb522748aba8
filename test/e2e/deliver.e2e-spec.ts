import type { ServerResponse } from 'node:http';
import { jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { redeliver, updateReceiver } from '@whydrop/storage';
import { Webhook } from 'standardwebhooks';
import {
  message,
  openStage,
  PENDING,
  type Received,
  SECRET,
  type Stage,
  startReceiver,
  type TestReceiver,
} from './deliver-stage.js';

jest.setTimeout(120_000);

let stage: Stage;
const receivers: TestReceiver[] = [];

beforeAll(async () => {
  stage = await openStage();
});

afterAll(() => stage.stop());

afterEach(async () => {
  await stage.reset();
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

async function receive(answer: (request: Received, response: ServerResponse) => void): Promise<TestReceiver> {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
}

/** What a receiver does that goes by the key: it takes a message once, whatever it answers after that. */
class Book {
  readonly taken: {
    readonly key: string;
    readonly alertId: string;
    readonly sequence: number;
    readonly type: string;
  }[] = [];
  private readonly keys = new Set<string>();

  take({ headers, body }: Received): void {
    new Webhook(SECRET).verify(body, headers as Record<string, string>);
    const key = String(headers['webhook-id']);
    if (this.keys.has(key)) return;
    this.keys.add(key);
    const { type, data } = JSON.parse(body) as { type: string; data: { alertId: string; sequence: number } };
    this.taken.push({ key, alertId: data.alertId, sequence: data.sequence, type });
  }
}

const FAULTS: readonly ((response: ServerResponse) => void)[] = [
  (response) => response.writeHead(500).end('oops'),
  (response) => response.writeHead(429, { 'retry-after': '1' }).end(),
  () => undefined,
  (response) => response.socket?.resetAndDestroy(),
  (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  (response) => response.writeHead(503).end('x'.repeat(200_000)),
  (response) => void response.writeHead(502).write('slow'),
];

/** Requests that go wrong, before or after the receiver has taken the message; the rest is answered with 200. */
function faulty(book: Book, everyNth: number) {
  let count = 0;
  return (request: Received, response: ServerResponse) => {
    const turn = count++;
    if (turn % everyNth !== 0) {
      book.take(request);
      // a body that hangs, or is large: the status has told what counts
      if (turn % 7 === 1) return void response.writeHead(200).write('…');
      return void response.writeHead(200).end(turn % 7 === 2 ? 'y'.repeat(300_000) : 'taken');
    }
    const fault = (turn / everyNth) % FAULTS.length;
    if (turn % 2 === 0) book.take(request);
    FAULTS[fault]?.(response);
  };
}

it('a receiver that fails, hangs, resets, redirects and comes back takes every message once by key, firing before resolved', async () => {
  const book = new Book();
  const { port, received } = await receive(faulty(book, 3));
  await stage.webhook('hook', port);
  const alerts = Array.from({ length: 40 }, (_, i) => `a${i}`);
  for (const alert of alerts) for (const sequence of [1, 2, 3, 4]) await stage.tell(message(alert, sequence), 'hook');
  const workers = [stage.start(), stage.start()];
  await stage.untilNone(PENDING);
  await Promise.all(workers.map((worker) => worker.stop()));

  expect(book.taken).toHaveLength(160);
  for (const alert of alerts) {
    const types = book.taken.filter(({ alertId }) => alertId === alert).map(({ type }) => type);
    expect(types).toEqual(['alert.firing', 'alert.resolved', 'alert.firing', 'alert.resolved']);
  }
  expect(await stage.rows(`SELECT FROM alert_delivery WHERE state <> 'delivered'`)).toEqual([]);
  // one id for a message over all its tries, one log line for each
  const log = await stage.rows<{ key: string; tries: number }>(
    'SELECT d.key, count(*)::int AS tries FROM alert_delivery d JOIN delivery_attempt a ON a.delivery_id = d.id GROUP BY d.key',
  );
  const wire = received.map(({ headers }) => headers['webhook-id']);
  expect(received.length).toBeGreaterThan(160);
  for (const { key, tries } of log) expect([key, wire.filter((each) => each === key).length]).toEqual([key, tries]);
});

it('keeps to Retry-After, for all messages of the receiver', async () => {
  let first = true;
  const { port, received } = await receive((_request, response) => {
    if (first) response.writeHead(429, { 'retry-after': '2' }).end();
    else response.end();
    first = false;
  });
  await stage.webhook('hook', port);
  await stage.tell(message('a', 1), 'hook');
  stage.start({ perReceiver: 1 });
  while (received.length === 0) await sleep(20);
  await stage.tell(message('b', 1), 'hook');
  await stage.untilNone(PENDING);
  expect(received).toHaveLength(3);
  expect((received[1]?.at ?? 0) - (received[0]?.at ?? 0)).toBeGreaterThanOrEqual(1_900);
});

it('a receiver that hangs holds up no other', async () => {
  const hanging = await receive(() => undefined);
  const quick = await receive((_request, response) => void response.end());
  await stage.webhook('hanging', hanging.port);
  await stage.webhook('quick', quick.port);
  for (let i = 0; i < 50; i++) await stage.tell(message(`a${i}`, 1), 'hanging', 'quick');
  stage.start({ send: { ...stage.options.send, totalTimeoutMs: 30_000 }, leaseSeconds: 60 });
  await stage.untilNone(`${PENDING} AND receiver_id = (SELECT id FROM receiver WHERE name = 'quick')`, 10_000);
  expect(quick.received).toHaveLength(50);
  // and has no more of its own under way than it may
  expect(hanging.received).toHaveLength(stage.options.perReceiver);
});

it('a refusal is final: dead, with what was answered; what comes after is still told, and it can be sent again by hand', async () => {
  let refuse = true;
  const { port, received } = await receive((_request, response) => {
    response.writeHead(refuse ? 400 : 200).end('no such channel\0');
  });
  await stage.webhook('hook', port);
  await stage.tell(message('a', 1), 'hook');
  await stage.tell(message('a', 2), 'hook');
  stage.start();
  await stage.untilNone(PENDING);
  const rows = await stage.rows<{ id: bigint; key: string }>(
    `SELECT d.id, d.key, d.state, d.reason, d.attempts, a.status, a.response, a.outcome
     FROM alert_delivery d JOIN delivery_attempt a ON a.delivery_id = d.id ORDER BY d.id`,
  );
  const dead = { state: 'dead', reason: 'answered 400: it refuses this message', attempts: 1 };
  expect(rows).toMatchObject(
    [dead, dead].map((row) => ({ ...row, status: 400, response: 'no such channel', outcome: 'dead' })),
  );
  refuse = false;
  expect(await redeliver(stage.database, String(rows[0]?.id))).toBe(true);
  await stage.untilNone(PENDING);
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([rows[0]?.key, rows[1]?.key, rows[0]?.key]);
  expect(await stage.rows('SELECT state FROM alert_delivery ORDER BY id')).toEqual([
    { state: 'delivered' },
    { state: 'dead' },
  ]);
  expect(await redeliver(stage.database, '999999')).toBe(false);
});

it('410 switches the receiver off; what waited is skipped; switched on again it is told what is new', async () => {
  let gone = true;
  const { port, received } = await receive((_request, response) => void response.writeHead(gone ? 410 : 200).end());
  await stage.webhook('hook', port);
  for (const sequence of [1, 2]) await stage.tell(message('a', sequence), 'hook');
  stage.start();
  await stage.untilNone(PENDING);
  await stage.tell(message('b', 1), 'hook');
  expect(await stage.rows('SELECT enabled, disabled_reason FROM receiver')).toEqual([
    { enabled: false, disabled_reason: 'answered 410: it wants no messages any more' },
  ]);
  expect(
    (await stage.rows<{ state: string }>('SELECT state FROM alert_delivery ORDER BY id')).map(({ state }) => state),
  ).toEqual(['dead', 'skipped', 'skipped']);
  gone = false;
  await updateReceiver(stage.database, stage.options.box, 'hook', { enabled: true });
  await stage.tell(message('c', 1), 'hook');
  await stage.untilNone(PENDING);
  expect(received).toHaveLength(2);
});

it('is given up when the schedule is at its end, and says after how many tries', async () => {
  const { port } = await receive((_request, response) => void response.writeHead(500).end());
  await stage.webhook('hook', port);
  await stage.tell(message('a', 1), 'hook');
  stage.start({ schedule: [0.01, 0.01] });
  await stage.untilNone(PENDING);
  expect(await stage.rows('SELECT state, reason, attempts FROM alert_delivery')).toEqual([
    { state: 'dead', reason: 'given up after 3 tries: answered 500', attempts: 3 },
  ]);
});

it('sends nothing to an address that nobody allowed, and not to what another key sealed', async () => {
  const { port, received } = await receive((_request, response) => void response.end());
  await stage.webhook('hook', port);
  await stage.tell(message('a', 1), 'hook');
  const allow = { allows: () => false };
  const worker = stage.start({ send: { ...stage.options.send, allow } });
  await stage.untilNone(PENDING);
  await worker.stop();
  expect(await stage.rows('SELECT state, reason FROM alert_delivery')).toMatchObject([
    { state: 'dead', reason: expect.stringContaining('127.0.0.1, which is no public address') as string },
  ]);
  await stage.rows(`UPDATE receiver SET secret_key_id = 'another'`);
  await stage.tell(message('b', 1), 'hook');
  stage.start();
  await stage.untilNone(`SELECT FROM receiver WHERE failures = 0`);
  expect(received).toEqual([]);
});

it('a worker that stops lets go of what is under way: the next one sends it at once, with the same id', async () => {
  let hang = true;
  const { port, received } = await receive((_request, response) => {
    if (!hang) response.end();
  });
  await stage.webhook('hook', port);
  await stage.tell(message('a', 1), 'hook');
  const worker = stage.start({ send: { ...stage.options.send, totalTimeoutMs: 30_000 }, leaseSeconds: 60 });
  while (received.length === 0) await sleep(20);
  await worker.stop(100);
  hang = false;
  stage.start();
  await stage.untilNone(PENDING, 5_000);
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(
    Array(2).fill(received[0]?.headers['webhook-id']),
  );
  expect(await stage.rows('SELECT attempts, state FROM alert_delivery')).toEqual([{ attempts: 1, state: 'delivered' }]);
});

it('the same message twice is one delivery; nobody hears of resolved alerts who does not want to; unknown names stop nothing', async () => {
  const { port, received } = await receive((_request, response) => void response.end());
  await stage.webhook('hook', port);
  await updateReceiver(stage.database, stage.options.box, 'hook', { sendResolved: false });
  const one = message('a', 1);
  await stage.tell(one, 'hook', 'nobody');
  await stage.tell(one, 'hook');
  await stage.tell(message('a', 2), 'hook');
  stage.start();
  await stage.untilNone(PENDING);
  expect(received).toHaveLength(1);
  expect(await stage.rows('SELECT state, reason FROM alert_delivery ORDER BY id')).toEqual([
    { state: 'delivered', reason: null },
    { state: 'skipped', reason: 'the receiver wants no resolved alerts' },
  ]);
});

it('what is done with is kept for 90 days; what waits or is told again stays', async () => {
  const { port } = await receive((_request, response) => void response.writeHead(500).end());
  await stage.webhook('hook', port);
  for (const alert of ['done', 'recent', 'waits', 'repeats']) await stage.tell(message(alert, 1), 'hook');
  await stage.rows(`UPDATE alert_delivery SET state = 'delivered' WHERE alert_id <> 'waits'`);
  await stage.rows(`UPDATE alert_delivery SET repeat_at = now() + interval '1 hour' WHERE alert_id = 'repeats'`);
  await stage.rows(`UPDATE alert_delivery SET created_at = now() - interval '91 days' WHERE alert_id <> 'recent'`);
  stage.start();
  await stage.untilNone(`SELECT FROM alert_delivery WHERE alert_id = 'done'`);
  const left = await stage.rows<{ alert: string }>('SELECT alert_id AS alert FROM alert_delivery ORDER BY id');
  expect(left.map(({ alert }) => alert)).toEqual(['recent', 'waits', 'repeats']);
});
