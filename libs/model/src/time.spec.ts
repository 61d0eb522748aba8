import fc from 'fast-check';
import { formatInstant, instantFromRfc3339 } from './time.js';

const LAST = Date.parse('2255-06-05T23:47:34.740Z') * 1000;

describe('an instant as RFC 3339', () => {
  it('is what JavaScript writes, to the millisecond, on whatever day the last one was', () => {
    const millis = fc.integer({ min: -LAST / 1000, max: LAST / 1000 });
    fc.assert(
      fc.property(millis, (at) => {
        expect(formatInstant(at * 1000)).toBe(new Date(at).toISOString().replace('.000Z', 'Z'));
      }),
    );
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LAST }), (instant) => {
        expect(instantFromRfc3339(formatInstant(instant))).toBe(instant);
      }),
    );
  });

  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [1_795_214_415_576_068, '2026-11-20T22:40:15.576068Z'],
    [1_795_214_415_576_000, '2026-11-20T22:40:15.576Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
  ])('%d is %s', (instant, text) => expect(formatInstant(instant)).toBe(text));
});
