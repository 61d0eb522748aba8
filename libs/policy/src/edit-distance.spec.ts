import fc from 'fast-check';
import { editDistance } from './edit-distance.js';

function naive(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const same = naive(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1);
  return Math.min(same, naive(a.slice(1), b) + 1, naive(a, b.slice(1)) + 1);
}

describe('edit distance', () => {
  it.each([
    ['client1-dev', 'client2-dev', 1],
    ['web', 'Web', 1],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['kitten', 'sitting', 3],
    ['10.0.0.0/8', '10.0.0.1', 3],
  ])('%s to %s is %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  it('is that of the definition, and the same both ways', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(editDistance(a, b)).toBe(naive(a, b));
        expect(editDistance(b, a)).toBe(editDistance(a, b));
      }),
    );
  });
});
