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
      const found = await Promise.all(runs);
      expect(found.flatMap((each) => each.disagreements)).toEqual([]);
      // Where nearly nothing is denied, or nearly everything, agreement proves little.
      const sum = (key: 'tried' | 'denied') => found.reduce((total, each) => total + each[key], 0);
      expect(sum('denied')).toBeGreaterThan(sum('tried') / 10);
      expect(sum('denied')).toBeLessThan((sum('tried') * 9) / 10);
      expect(found.filter((each) => each.denied === 0)).toEqual([]);
    },
    60_000 + ROUNDS * 20_000,
  );
});
