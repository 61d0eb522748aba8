import { jest } from '@jest/globals';
import { COVERAGE_FORMAT, GAP_FORMAT } from '@whydrop/contracts';
import { loadBatch, storeCoverage } from '@whydrop/storage';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const SPAN = { from: '2026-11-20T00:00:00Z', to: '2026-11-20T00:01:00Z' };
const gap = (stream: string) => JSON.stringify({ stream, reason: 'EVENTS_LOST', ...SPAN });
/** Longer than a row of an index may be, in letters that do not compress. */
const LONG = Array.from({ length: 1_024 }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7_919) % 20_000))).join('');

let stack: Stack;
let sequence = 0;

const query = async (text: string, values: unknown[] = []) => (await stack.database.pool.query(text, values)).rows;

async function ship(format: string, text: string): Promise<void> {
  const key = { stream: format, epoch: 1, sequence: sequence++ };
  await stack.client.ship({ version: 1, cluster: 'c', node: 'n1', format, ...key }, Buffer.from(text));
}

const newest = async (): Promise<bigint> => (await query('SELECT max(id) AS id FROM raw_batch'))[0]?.id as bigint;
const gaps = async () => query('SELECT line, stream FROM gap WHERE batch_id = $1', [await newest()]);
const rejects = async () => query('SELECT line, reason, detail, raw FROM reject WHERE batch_id = $1', [await newest()]);

beforeAll(async () => {
  stack = await startStack('postgres');
});

afterAll(() => stack.stop());

it.each([
  ['that no database could hold', 'a\0', 'not a gap record: stream must not hold NUL'],
  ['that this database does not take', LONG, expect.stringMatching(/^PostgreSQL does not take it: index row size/)],
])('a loss of a stream %s becomes a reject, and the one beside it is kept', async (_, stream, detail) => {
  await ship(GAP_FORMAT, `${gap(stream)}\n${gap('good')}\n`);
  await waitUntilWorked(stack);
  expect(await gaps()).toEqual([{ line: 2, stream: 'good' }]);
  expect(await rejects()).toEqual([{ line: 1, reason: 'BAD_VALUE', detail, raw: gap(stream) }]);
});

it('a channel that the database does not take becomes a reject, and the one beside it is kept', async () => {
  await stack.stopWorker();
  await ship(COVERAGE_FORMAT, JSON.stringify({ ...SPAN, nodes: {} }));
  const batch = await loadBatch(stack.database, await newest());
  if (!batch) throw new Error('the batch is not there');
  await storeCoverage(stack.database, batch, { ...SPAN, nodes: { n1: ['a\0', 'conntrack'] } });
  expect(await query('SELECT channel FROM coverage')).toEqual([{ channel: 'conntrack' }]);
  expect(await rejects()).toMatchObject([{ reason: 'BAD_VALUE', detail: expect.stringContaining('0x00') }]);
  await stack.startWorker();
});

it('a batch of losses on which the worker died again and again becomes one reject', async () => {
  await stack.stopWorker();
  await ship(GAP_FORMAT, `${gap('first')}\n${gap('second')}\n`);
  await query('UPDATE raw_batch SET attempts = 5 WHERE id = $1', [await newest()]);
  await stack.startWorker();
  await waitUntilWorked(stack);
  expect(await gaps()).toEqual([]);
  expect(await rejects()).toMatchObject([{ line: 1, reason: 'FAILED', raw: `${gap('first')}\n${gap('second')}\n` }]);
});
