import { jest } from '@jest/globals';
import { calicoDrop, CLUSTER, ct } from '../../libs/explain/src/cause-scene.js';
import { at } from '../../libs/explain/src/fixture.js';
import { fetchDrop, fetchDrops } from '../../apps/cli/src/drops/query.js';
import { observedDropsStatement, openReader, readDrops } from '@whydrop/storage';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack, storedResult } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => new Date(Number(at(seconds)) * 1000).toISOString();
const ALL = { from: time(-3_600), to: time(7_200), failed: true };
const SERVICE = { to: '10.96.0.10', dport: 80, backend: '10.1.2.9', backendPort: 8080 };

/** What three witnesses of one connection say, the one of the latest moment first. */
const WITNESSES = [
  ['n2', 'xtables-trace', calicoDrop('web', {}, 9).trace ?? ''],
  ['n2', 'xtables-trace', calicoDrop('web', {}, 5).trace ?? ''],
  ['n1', 'conntrack-events', ct(2, 'NEW', 'SYN_SENT', 'UNREPLIED', SERVICE)],
] as const;

describe('a drop of which earlier witnesses come late', () => {
  let stack: Stack;
  let sequence = 0;
  const ids: string[] = [];
  const announced: string[] = [];

  const ship = async (to: Stack, node: string | null, format: string, text: string) => {
    const key = { stream: `${format}.${sequence}`, epoch: 1, sequence: sequence++ };
    const envelope = { version: 1 as const, cluster: 'late', node, format, ...key, observedFrom: time(-600) };
    await to.client.ship(envelope, Buffer.from(text));
    await waitUntilWorked(to);
  };

  beforeAll(async () => {
    stack = await startStack('postgres');
    const listener = await stack.database.pool.connect();
    listener.on('notification', ({ payload }) => {
      announced.push(...(JSON.parse(payload ?? '{"ids":[]}') as { ids: readonly string[] }).ids);
    });
    await listener.query('LISTEN whydrop_observed');
    await ship(stack, null, 'kubernetes-objects', CLUSTER);
    for (const [node, format, text] of WITNESSES) {
      await ship(stack, node, format, text);
      const told = await fetchDrops(stack.client, ALL);
      expect(told).toHaveLength(1);
      ids.push(told[0]?.key ?? '');
    }
    await listener.query('UNLISTEN *');
    listener.release();
  });
  afterAll(() => stack.stop());

  it('is found under every id that it was told under', async () => {
    expect(new Set(ids).size).toBe(3);
    const found = await Promise.all(ids.map((id) => fetchDrop(stack.client, id)));
    expect(found.map((drop) => drop?.key)).toEqual([ids[2], ids[2], ids[2]]);
  });

  it('is not announced again as a new one, and found by who reads late what was announced', async () => {
    expect(announced).toEqual([ids[0]]);
    const reader = openReader(stack.database);
    try {
      const found = await readDrops(reader, observedDropsStatement(ids, {}));
      expect(found.map(({ id }) => id)).toEqual([ids[2]]);
    } finally {
      await reader.close();
    }
  });

  it('is what it would be had its witnesses come in order', async () => {
    const other = await startStack('postgres');
    try {
      await ship(other, null, 'kubernetes-objects', CLUSTER);
      for (const [node, format, text] of WITNESSES.toReversed()) await ship(other, node, format, text);
      expect(await storedResult(other.database)).toBe(await storedResult(stack.database));
    } finally {
      await other.stop();
    }
  });
});
