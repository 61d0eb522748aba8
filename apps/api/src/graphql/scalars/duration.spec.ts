import { parseDuration } from './duration.scalar.js';

const S = 1_000_000;

describe('duration', () => {
  it.each([
    ['PT1H', 3600 * S],
    ['P7DT12H', (7 * 24 + 12) * 3600 * S],
    ['PT90S', 90 * S],
    ['1h', 3600 * S],
    ['1h30m', 5400 * S],
    ['7d', 7 * 86_400 * S],
    ['0s', 0],
  ])('%s', (text, micros) => expect(parseDuration(text)).toBe(micros));

  it.each(['', 'P', 'PT', '1', 'h', '1w', '-1h', 'P1M', '1.5h', '1h ', '30m1h'])('refuses %p', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});
