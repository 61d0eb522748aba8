import { jest } from '@jest/globals';
import { processStore } from '../../apps/worker/src/store.processor.js';
import { type Stack, startStack } from './stack.js';

jest.setTimeout(120_000);

const LINE =
  '[1795276800.000001]\t    [NEW] tcp      6 120 SYN_SENT src=10.1.0.7 dst=10.2.0.9 sport=40000 dport=443 [UNREPLIED] src=10.2.0.9 dst=10.1.0.7 sport=443 dport=40000 id=71';

/**
 * As on a disk whose last pages have room for a count, and for nothing else: neither for the rows nor for taking it back. A
 * quota is a full disk for which PostgreSQL has no code.
 */
const STATES = {
  'a full disk': '53100',
  'a quota': 'XX000',
  'a lock that takes too long': '55P03',
  'a statement that does': '57014',
};

const trouble = (state: string) => `
  CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'it cannot be written' USING ERRCODE = '${state}'; END $$;
  CREATE TRIGGER full_rows BEFORE INSERT ON flow FOR EACH ROW EXECUTE FUNCTION no_room();
  CREATE TRIGGER full_batch BEFORE UPDATE ON raw_batch FOR EACH ROW WHEN (new.attempts < old.attempts) EXECUTE FUNCTION no_room();
  CREATE TRIGGER full_part BEFORE UPDATE ON batch_part FOR EACH ROW WHEN (new.attempts < old.attempts) EXECUTE FUNCTION no_room()`;

const OVER = 'DROP FUNCTION no_room CASCADE';

describe('a batch that PostgreSQL cannot write, however often it is tried', () => {
  let stack: Stack;
  let id: string;
  let sequence = 0;
  const steps = () => {
    const queue = { enqueue: () => Promise.resolve(), enqueueAll: () => Promise.resolve() };
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    return { database: stack.database, storeQueue: queue, correlateQueue: queue, log, now: () => Date.now() * 1000 };
  };
  const attempt = () => processStore({ data: { version: 1, batchId: id } }, steps());
  const query = async (sql: string) => (await stack.database.pool.query<Record<string, unknown>>(sql)).rows;

  beforeAll(async () => {
    stack = await startStack('postgres', { worker: false });
  });

  beforeEach(async () => {
    await query('TRUNCATE raw_batch, flow, reject, batch_part, batch_stage');
    const envelope = { version: 1 as const, cluster: 'c', node: 'n', stream: 'ct', format: 'conntrack-events' };
    const shipped = await stack.client.ship({ ...envelope, epoch: 1, sequence: sequence++ }, Buffer.from(`${LINE}\n`));
    id = shipped.batchId;
  });

  afterAll(() => stack.stop());

  it.each(Object.entries(STATES))('for %s: is not to blame, and is stored when it is over', async (_why, state) => {
    await query(trouble(state));
    for (let times = 0; times < 20; times++) await expect(attempt()).rejects.toMatchObject({ code: state });
    await query(OVER);
    await attempt();
    expect(await query('SELECT reason, detail FROM reject')).toEqual([]);
    expect(await query('SELECT conntrack_id FROM flow')).toEqual([{ conntrack_id: 71n }]);
    expect(await query('SELECT attempts, (SELECT count(*) FROM batch_part) AS parts FROM raw_batch')).toEqual([
      { attempts: 1, parts: 0n },
    ]);
  });
});
