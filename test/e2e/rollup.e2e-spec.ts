import path from 'node:path';
import { jest } from '@jest/globals';
import { differences } from '../../libs/storage/src/rollup/recount.fixture.js';
import { batchesOf, ship, waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

jest.setTimeout(120_000);

const SCENARIOS = path.resolve(import.meta.dirname, '../scenarios');

/** Stories with drops of many causes, and with packets that were only counted. */
describe.each(['aks-npm-frontend-backend', 'not-a-policy-kube-router', 'contrail-three-tier'])('%s', (name) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack('postgres');
  });

  afterAll(() => stack.stop());

  it('is rolled up as a recount gives it, also after half of the batches and after the late ones', async () => {
    const batches = (await batchesOf(path.join(SCENARIOS, name, 'bundle'))).toReversed();
    for (const part of [batches.slice(0, batches.length / 2), batches.slice(batches.length / 2)]) {
      await ship(stack, part);
      await waitUntilWorked(stack);
      expect(await differences(stack.database.pool)).toEqual([]);
    }
    const { rows } = await stack.database.pool.query('SELECT FROM drop_minute');
    expect(rows.length).toBeGreaterThan(0);
  });

  it('marks the minutes in which its nodes were seen', async () => {
    const { rows } = await stack.database.pool.query<{ node: string; seen: bigint }>(
      'SELECT node, sum(bit_count(minutes))::int8 AS seen FROM seen_day GROUP BY node ORDER BY node',
    );
    expect(rows[0]?.node).toBe('');
    expect(rows.every(({ seen }) => seen > 0n)).toBe(true);
    expect(rows.length).toBeGreaterThan(1);
  });
});
