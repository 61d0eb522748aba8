import { jest } from '@jest/globals';
import { processStore } from '../../apps/worker/src/store.processor.js';
import { type Stack, startStack } from './stack.js';

jest.setTimeout(120_000);

const LINE =
  '[1795276800.000001]\t    [NEW] tcp      6 120 SYN_SENT src=10.1.0.7 dst=10.2.0.9 sport=40000 dport=443 [UNREPLIED] src=10.2.0.9 dst=10.1.0.7 sport=443 dport=40000 id=71';

/** As on a disk whose last pages have room for a count, and for nothing else: neither for the rows nor for taking it back. */
const FULL = `
  CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
  CREATE TRIGGER full_rows BEFORE INSERT ON flow FOR EACH ROW EXECUTE FUNCTION no_room();
  CREATE TRIGGER full_batch BEFORE UPDATE ON raw_batch FOR EACH ROW WHEN (new.attempts < old.attempts) EXECUTE FUNCTION no_room();
  CREATE TRIGGER full_part BEFORE UPDATE ON batch_part FOR EACH ROW WHEN (new.attempts < old.attempts) EXECUTE FUNCTION no_room()`;

const ROOM = 'DROP FUNCTION no_room CASCADE';

describe('a batch that there is no room for, however often it is tried', () => {
  let stack: Stack;
  let id: string;
  const steps = () => {
    const queue = { enqueue: () => Promise.resolve(), enqueueAll: () => Promise.resolve() };
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    return { database: stack.database, storeQueue: queue, correlateQueue: queue, log, now: () => Date.now() * 1000 };
  };
  const attempt = () => processStore({ data: { version: 1, batchId: id } }, steps());
  const query = async (sql: string) => (await stack.database.pool.query<Record<string, unknown>>(sql)).rows;

  beforeAll(async () => {
    stack = await startStack('postgres', { worker: false });
    const envelope = { version: 1 as const, cluster: 'c', node: 'n', stream: 'ct', format: 'conntrack-events' };
    const shipped = await stack.client.ship({ ...envelope, epoch: 1, sequence: 0 }, Buffer.from(`${LINE}\n`));
    id = shipped.batchId;
  });

  afterAll(() => stack.stop());

  it('is not to blame: nothing of it is refused, and it is stored when there is room', async () => {
    await query(FULL);
    for (let times = 0; times < 20; times++) await expect(attempt()).rejects.toMatchObject({ code: '53100' });
    await query(ROOM);
    await attempt();
    expect(await query('SELECT reason, detail FROM reject')).toEqual([]);
    expect(await query('SELECT conntrack_id FROM flow')).toEqual([{ conntrack_id: 71n }]);
    expect(await query('SELECT attempts, (SELECT count(*) FROM batch_part) AS parts FROM raw_batch')).toEqual([
      { attempts: 1, parts: 0n },
    ]);
  });
});
