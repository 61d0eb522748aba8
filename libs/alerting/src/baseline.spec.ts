import { type History, learn, robustMean, WARM_SAMPLES } from './baseline.js';
import { AROUND, historyOf } from './history.js';
import { MINUTE } from './rule.js';

const NOTHING: History = { recent: [], hourlyPeaks: [], sameTime: [], sameHour: [], lastHour: 0, siblings: null };
const minutes = (count: number, value: number) => Array.from({ length: count }, () => value);

it('a burst does not move it, and sparse counts are no zero', () => {
  expect(robustMean([...minutes(80, 2), ...minutes(10, 500), ...minutes(90, 2)])).toBe(2);
  expect(robustMean(Array.from({ length: 180 }, (_, i) => (i % 5 === 0 ? 1 : 0)))).toBeCloseTo(0.2);
});

it('what is not covered is not learnt as zero', () => {
  const half = Array.from({ length: 180 }, (_, i) => (i % 2 === 0 ? 8 : null));
  expect(learn({ ...NOTHING, recent: half }, 1, 0)).toMatchObject({ expected: 8, samples: 90, state: 'READY' });
});

it('is warming up until it has seen half an hour', () => {
  expect(learn({ ...NOTHING, recent: minutes(WARM_SAMPLES - 1, 0) }, 1, 0).state).toBe('WARMING');
  expect(learn({ ...NOTHING, recent: minutes(WARM_SAMPLES, 0) }, 1, 0).state).toBe('READY');
});

it('is never below the floor, a level that was accepted, or what series beside it have', () => {
  expect(learn(NOTHING, 1, 0).expected).toBe(1);
  expect(learn(NOTHING, 1, 40).expected).toBe(40);
  expect(learn({ ...NOTHING, siblings: 12 }, 1, 0).expected).toBe(12);
});

it('expects at this time of day what three of four days had', () => {
  const days = [[60], [0], [60], [60]];
  expect(learn({ ...NOTHING, recent: minutes(180, 0), sameTime: days }, 1, 0)).toMatchObject({
    expected: 60,
    usualPeak: 60,
  });
  expect(learn({ ...NOTHING, recent: minutes(180, 0), sameTime: [[60], [0], [0], [0]] }, 1, 0).usualPeak).toBe(0);
});

it('expects on this weekday what both of the last two had', () => {
  const week = [[], [], [], [], [], [], [30], [], [], [], [], [], [], [50]];
  expect(learn({ ...NOTHING, recent: minutes(180, 0), sameTime: week }, 1, 0).expected).toBe(30);
  expect(learn({ ...NOTHING, recent: minutes(180, 0), sameTime: week.slice(0, 7) }, 1, 0).expected).toBe(1);
});

it('what happens three times a day is usual', () => {
  const peaks = [0, 90, 0, 80, 70, 0];
  expect(learn({ ...NOTHING, hourlyPeaks: peaks }, 1, 0).usualPeak).toBe(70);
  expect(learn({ ...NOTHING, hourlyPeaks: peaks.slice(0, 4) }, 1, 0).usualPeak).toBe(0);
});

describe('history', () => {
  const day = 1440 * MINUTE;
  const bucket = 40 * day;

  it('has the minutes before, without the odd ones of the first hour of their run', () => {
    const odd = Array.from({ length: 100 }, (_, i) => bucket - (100 - i) * MINUTE);
    const { recent } = historyOf(
      bucket,
      () => 7,
      () => true,
      odd,
      null,
    );
    expect(recent.slice(0, 40)).toEqual(minutes(40, 7));
    expect(recent.slice(40, 100)).toEqual(Array.from({ length: 60 }, () => null));
    expect(recent.slice(100)).toEqual(minutes(80, 7));
  });

  it('looks at the same time of earlier days, where they are covered', () => {
    const counts = (minute: number) => (minute === bucket - day + AROUND * MINUTE ? 5 : 0);
    const { sameTime } = historyOf(bucket, counts, (minute) => minute > bucket - 3 * day, [], null);
    expect(Math.max(...(sameTime[0] ?? []))).toBe(5);
    expect(sameTime[1]).toHaveLength(2 * AROUND + 1);
    expect(sameTime[3]).toEqual([]);
  });

  it('does not take the judged minute for its past', () => {
    const { recent, hourlyPeaks, lastHour } = historyOf(
      bucket,
      (m) => (m === bucket ? 99 : 0),
      () => true,
      [],
      null,
    );
    expect(recent).not.toContain(99);
    expect(hourlyPeaks).not.toContain(99);
    expect(lastHour).toBe(99);
  });
});
