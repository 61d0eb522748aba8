import { clipped, type Span, unionOf } from './spans.js';

const NEAR = 10;

it.each<[string, (Span | undefined | null)[], Span[]]>([
  ['nothing', [undefined, null], []],
  ['one', [[3, 5]], [[3, 5]]],
  ['one in the other', [[0, 50], [10, 20]], [[0, 50]]],
  ['overlapping, out of order', [[40, 60], [0, 45]], [[0, 60]]],
  ['as far apart as is near', [[0, 5], [15, 20]], [[0, 20]]],
  ['farther apart', [[16, 20], [0, 5]], [[0, 5], [16, 20]]],
  ['a clock of 1970 and one of now', [[1000, 1001], [0, 0], [1002, 1003]], [[0, 0], [1000, 1003]]],
])('%s', (_name, spans, expected) => {
  expect(unionOf(spans, NEAR)).toEqual(expected);
}); // prettier-ignore

it('of too many the nearest are joined, and nothing is left out', () => {
  const spans = Array.from({ length: 20 }, (_, at): Span => [at * at * 100, at * at * 100 + 1]);
  const union = unionOf(spans, NEAR);
  expect(union.length).toBeLessThanOrEqual(8);
  expect(union.length).toBeGreaterThan(1);
  for (const [from, to] of spans) expect(union.some(([low, high]) => low <= from && to <= high)).toBe(true);
  expect(union.at(-1)).toEqual(spans.at(-1));
});

it('clips', () => {
  expect(clipped([0, 10], [5, 20])).toEqual([5, 10]);
  expect(clipped([0, 10], [11, 20])).toBeUndefined();
});
