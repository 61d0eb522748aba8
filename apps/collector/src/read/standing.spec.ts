import { jest } from '@jest/globals';
import type { Loss } from './reader.js';
import { Standing } from './standing.js';

const SOURCE = { stream: 'log', format: 'kernel-log', class: 'drops', channel: 'nflog' } as const;

let now = 10_000;
let steady = 0;
let covered: number | undefined;
let losses: Loss[] = [];

const watch = {
  now: () => now,
  lost: (loss: Loss) => void losses.push(loss),
  alive: (_reader: string, _channel: string | undefined, since: number | undefined) => void (covered = since),
  warn: () => undefined,
};

function standing(lastAt?: number): Standing {
  [now, steady, covered, losses] = [10_000, 0, undefined, []];
  jest.spyOn(performance, 'now').mockImplementation(() => steady);
  return new Standing({ source: SOURCE, path: '/log', watch }, lastAt);
}

afterEach(() => void jest.restoreAllMocks());

it('a file is covered while its end is reached again and again, and joins on when it was behind for a while', () => {
  const made = standing();
  made.caughtUp();
  steady += 400;
  made.reading();
  expect(covered).toBe(10_000);
  steady += 200;
  made.reading();
  expect(covered).toBeUndefined();
  now += 5_000;
  made.caughtUp();
  expect(covered).toBe(10_000);
});

it('a file that could not be read is covered anew', () => {
  const made = standing();
  made.caughtUp();
  made.lose();
  expect(covered).toBeUndefined();
  now += 5_000;
  made.caughtUp();
  expect(covered).toBe(15_000);
});

it.each([
  ['when all had been read', undefined, 12_000],
  ['an earlier run', 3_000, 3_000],
])('what may be gone came after %s', (_what, lastAt, from) => {
  const made = standing(lastAt);
  now = 12_000;
  if (lastAt === undefined) made.caughtUp();
  now = 13_000;
  made.gone('cut');
  expect(losses).toEqual([
    { stream: 'log', channel: 'nflog', reason: 'SOURCE_GONE', from, to: 13_000, detail: '/log: cut' },
  ]);
  made.caughtUp();
  expect(covered).toBe(13_000);
});
