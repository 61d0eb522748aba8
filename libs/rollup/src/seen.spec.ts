import { type Instant, MICROS_PER_SECOND } from '@whydrop/model';
import { LEVEL_MICROS } from './level.js';
import { coverageOf, minutesSeen } from './seen.js';

const DAY: Instant = Date.UTC(2026, 10, 20) * 1000;
const { minute, hour, day } = LEVEL_MICROS;
const at = (hours: number, minutes = 0, seconds = 0) =>
  DAY + hours * hour + minutes * minute + seconds * MICROS_PER_SECOND;

const seen = (...spans: readonly (readonly [Instant, Instant])[]) =>
  [...minutesSeen(spans)].map(([start, bits]) => [
    (start - DAY) / day,
    [...bits.matchAll(/1+/g)].map((run) => [run.index, run[0].length]),
  ]);

describe('minutes in which a stream was alive', () => {
  it.each([
    ['one record stands for its minute and those beside it', [[at(0, 5, 30), at(0, 5, 30)]], [[0, [[4, 3]]]]],
    ['a span is alive throughout', [[at(1), at(2)]], [[0, [[59, 63]]]]],
    [
      'two spans with a gap between them',
      [
        [at(1), at(1)],
        [at(2), at(2)],
      ],
      [
        [
          0,
          [
            [59, 3],
            [119, 3],
          ],
        ],
      ],
    ],
    [
      'a span across midnight is in both days',
      [[at(23, 59), at(24, 0)]],
      [
        [0, [[1438, 2]]],
        [1, [[0, 2]]],
      ],
    ],
    ['a broken clock is nothing', [[0, at(1)]], []],
    ['an end before its start is nothing', [[at(1), at(0)]], []],
  ] as const)('%s', (_name, spans, expected) => {
    expect(seen(...spans)).toEqual(expected);
  });
});

describe('share of a bucket that was seen', () => {
  const days = minutesSeen([[at(1, 1), at(1, 28)]]);

  it.each([
    ['hours', at(0), at(3), hour, [0, 0.5, 0]],
    ['minutes', at(0, 59), at(1, 1), minute, [0, 1]],
    ['a day', at(0), at(24), day, [30 / 1440]],
    ['two days in one bucket', at(0), at(48), 2 * day, [30 / 2880]],
    ['before anything was stored', at(-48), at(-24), day, [0]],
  ])('%s', (_name, from, to, step, expected) => {
    expect(coverageOf(days, from, to, step)).toEqual(expected);
  });
});
