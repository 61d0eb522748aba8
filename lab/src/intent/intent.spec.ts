import { compareIntent } from './compare.js';
import { ABILITIES } from './random-policies.js';

/** SEED and ROUNDS make longer runs: SEED=5 ROUNDS=50 npm run jest -- lab/src/intent */
const SEED = Number(process.env['SEED'] ?? 1);
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);

const isRoot = process.getuid?.() === 0;
const mustRun = process.env['CI'] === 'true';

describe('what libs/policy says of random policies, and what a kernel does that was programmed with them', () => {
  if (!isRoot && !mustRun) {
    it('needs root', () => {
      console.log('lab: policies were not held against a kernel, because network namespaces need root');
      expect(isRoot).toBe(false);
    });
    return;
  }

  it(
    'are the same in every dialect',
    async () => {
      const runs = Object.keys(ABILITIES).map((dialect, index) => compareIntent(dialect, SEED * 100 + index, ROUNDS));
      for (const { tried, denied, disagreements } of await Promise.all(runs)) {
        expect(disagreements).toEqual([]);
        // A run in which nearly nothing is denied, or allowed, proves nothing.
        expect(denied).toBeGreaterThan(tried / 20);
        expect(denied).toBeLessThan((tried * 19) / 20);
      }
    },
    60_000 + ROUNDS * 20_000,
  );
});
