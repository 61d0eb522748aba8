import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { type Draft, Spool } from '../spool/spool.js';
import type { Answer } from './post.js';
import { Sender } from './sender.js';

const HOUR_MS = 3_600_000;
const ACCEPTED: Answer = { kind: 'accepted' };
const later = (afterMs?: number): Answer => ({ kind: 'later', reason: '503', afterMs });

const draft = (text: string): Draft => ({
  ...{ class: 'drops', stream: 'log', records: 1, from: 1_000, to: 2_000 },
  body: () => Buffer.from(text),
});

let folder: string;
let spool: Spool;
let sender: Sender | undefined;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'whydrop-sender-'));
  spool = await Spool.open({ folder, maxBytes: 1 << 20, report: () => draft('report') });
});

afterEach(async () => {
  jest.restoreAllMocks();
  await sender?.stop(100);
  await spool.close();
  rmSync(folder, { recursive: true });
});

/** A sender whose server gives these answers one after the other, then takes everything; and when it was asked. */
async function sending(texts: readonly string[], answers: readonly Answer[], inFlight = 1) {
  const asked: number[] = [];
  for (const text of texts) spool.add(draft(text));
  await spool.commit();
  const post = () => Promise.resolve(answers[asked.push(performance.now()) - 1] ?? ACCEPTED);
  const nothing = () => Promise.resolve();
  sender = new Sender({ spool, post, inFlight, refuse: nothing, damaged: nothing, random: () => 1 });
  sender.start();
  return asked;
}

async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !done(); await sleep(5)) {
    if (performance.now() > end) throw new Error('it did not come');
  }
}

it.each([-HOUR_MS, HOUR_MS])('pauses by a steady clock: the time of day set by %i ms changes nothing', async (step) => {
  const asked = await sending(['a'], [later(300)]);
  await until(() => asked.length === 1);
  const real = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => real() + step);
  await until(() => spool.open === 0);
  expect(asked).toHaveLength(2);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(299);
});

it('ends a pause when a batch gets through meanwhile', async () => {
  const answers: ((answer: Answer) => void)[] = [];
  for (const text of ['a', 'b']) spool.add(draft(text));
  await spool.commit();
  const post = () => new Promise<Answer>((resolve) => answers.push(resolve));
  const nothing = () => Promise.resolve();
  const days = () => 1e6;
  sender = new Sender({ spool, post, inFlight: 2, refuse: nothing, damaged: nothing, random: days });
  sender.start();
  await until(() => answers.length === 2);
  answers[0]?.(later());
  await until(() => sender?.trouble !== undefined);
  answers[1]?.(ACCEPTED);
  await until(() => answers.length === 3);
  answers[2]?.(ACCEPTED);
  await until(() => spool.open === 0);
  expect(sender.trouble).toBeUndefined();
});

it('waits as long as the server asked, also when another batch gets through', async () => {
  const asked = await sending(['a', 'b', 'c'], [later(400), ACCEPTED], 2);
  await until(() => spool.open === 0);
  expect((asked[2] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(399);
});

it('says so when the spool cannot be read', async () => {
  jest.spyOn(spool, 'next').mockRejectedValueOnce(new Error('EIO: i/o error'));
  await sending(['a'], []);
  await until(() => sender?.trouble === 'EIO: i/o error');
  sender?.nudge();
  await until(() => spool.open === 0);
  expect(sender?.trouble).toBeUndefined();
});
