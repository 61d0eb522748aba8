import type { Instant } from '@whydrop/model';
import { Deltas, minus, NOTHING } from './deltas.js';
import { LEVEL_MICROS, wholeWindows } from './level.js';

const START: Instant = Date.UTC(2026, 10, 20, 23, 59) * 1000;
const { minute, hour } = LEVEL_MICROS;
const one = { drops: 1, attempts: 2, packets: 3, counted: 0 };

it('is one change per window and group, in their order, at every level', () => {
  const deltas = new Deltas();
  deltas.add(START + minute, 'a', one);
  deltas.add(START, 'b', one);
  deltas.add(START, 'a', one);
  deltas.add(START + 59_999_999, 'a', one);
  const told = (level: 'minute' | 'hour' | 'day') =>
    deltas.of(level).map(({ bucket, groupId, drops, packets }) => [(bucket - START) / minute, groupId, drops, packets]);
  expect(told('minute')).toEqual([
    [0, 'a', 2, 6],
    [0, 'b', 1, 3],
    [1, 'a', 1, 3],
  ]);
  expect(told('hour')).toEqual([
    [-59, 'a', 2, 6],
    [-59, 'b', 1, 3],
    [1, 'a', 1, 3],
  ]);
  expect(told('day')).toEqual([
    [-1439, 'a', 2, 6],
    [-1439, 'b', 1, 3],
    [1, 'a', 1, 3],
  ]);
});

it('leaves out what was put back where it was', () => {
  const deltas = new Deltas();
  deltas.add(START, 'a', minus(one));
  deltas.add(START, 'a', one);
  expect(deltas.of('minute')).toEqual([]);
});

it('carries a drop that moved to another window of the same hour within the hour', () => {
  const deltas = new Deltas();
  deltas.add(START, 'a', minus(one));
  deltas.add(START - minute, 'a', { ...one, attempts: 5 });
  expect(deltas.of('minute')).toHaveLength(2);
  expect(deltas.of('hour')).toEqual([{ ...NOTHING, bucket: START - 59 * minute, groupId: 'a', attempts: 3 }]);
});

it.each([
  [0, hour, [0, hour]],
  [1, hour, [0, hour]],
  [hour, hour + 1, [hour, 2 * hour]],
])('widens %d to %d to whole hours', (from, to, expected) => {
  expect(wholeWindows(from, to, hour)).toEqual(expected);
});
