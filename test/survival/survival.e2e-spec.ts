import { jest } from '@jest/globals';
import path from 'node:path';
import { findRedisProgram } from '../../libs/queue/src/redis/program.js';
import { DATABASE_DISK_FAULT } from './faults.js';
import { poisoned } from './poison.js';
import { restored } from './restore.js';
import { survive } from './run.js';

// A bounded sample of `npm run test:survival`.
jest.setTimeout(300_000);

const PRODUCT = path.resolve(import.meta.dirname, '../..');
/** Fixed, so that a red run can be looked at again; the long run draws its own. */
const SEED = 20;

function hasRedis(): boolean {
  if (findRedisProgram(process.env['PATH'] ?? '') !== undefined) return true;
  if (process.env['CI'] === 'true') throw new Error('no Redis for the tests: apt-get install redis-server');
  process.stderr.write('survival is left out: no Redis server is installed\n');
  return false;
}

function mayMount(): boolean {
  if (process.getuid?.() === 0 || process.env['CI'] === 'true') return true;
  process.stderr.write('the disk of the database is not filled: mounting needs root\n');
  return false;
}

describe.each(hasRedis() ? ['survival'] : [])('%s', () => {
  it('processes are killed at random under load: every record is there once, and the raw batches give the same drops', async () => {
    const said: string[] = [];
    const result = await survive({
      seed: SEED,
      until: { kills: 8, milliseconds: 45_000 },
      product: PRODUCT,
      appendOnly: true,
      rebuilt: true,
      say: (line) => void said.push(line),
    });
    const { ordeal, verdict, rebuilt } = result;
    expect({ said, violations: ordeal.violations }).toEqual({ said, violations: [] });
    expect(verdict).toMatchObject({ duplicated: [], lost: [], violations: [], stored: verdict.sent });
    expect(rebuilt).toMatchObject({ same: true, difference: [] });
    expect(ordeal.kills).toBeGreaterThan(1);
    expect(verdict.sent).toBeGreaterThan(100);
  });

  it.each(mayMount() ? ['all that was acknowledged is there once, and it goes on when there is room'] : [])(
    'the disk of the database is full: %s',
    async () => {
      const { ordeal, verdict } = await survive({
        seed: SEED,
        until: { kills: 1, milliseconds: 12_000, alone: true },
        product: PRODUCT,
        appendOnly: true,
        faults: [DATABASE_DISK_FAULT],
        say: () => undefined,
      });
      expect(ordeal.violations).toEqual([]);
      expect(ordeal.rounds).toBeGreaterThan(0);
      expect(verdict).toMatchObject({ duplicated: [], lost: [], rejected: 0, violations: [], stored: verdict.sent });
    },
  );

  it('a database that is set back to a copy takes again what the copy lacks, and nothing twice', async () => {
    const { goneWithTheRestore, verdict } = await restored(PRODUCT);
    expect(goneWithTheRestore).toBeGreaterThan(0);
    expect(verdict).toMatchObject({ duplicated: [], lost: [], violations: [], stored: verdict.sent });
  });

  it('a record that ends its worker each time is cornered: it is one reject, the others are stored', async () => {
    const { deaths, poison, rejects, partsLeft, verdict } = await poisoned(PRODUCT, 8);
    expect(rejects).toEqual([{ reason: 'FAILED', raw: expect.stringContaining(` id=${poison}`) }]);
    expect(verdict).toMatchObject({ duplicated: [], lost: [], violations: [], stored: verdict.sent - 1, rejected: 1 });
    // Five of the batch, three of its halves, three of the record alone; more when nobody is sure who is to blame.
    expect(deaths).toBeGreaterThan(10);
    expect(deaths).toBeLessThan(16);
    expect(partsLeft).toBe(0);
  });
});
