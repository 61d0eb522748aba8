import { jest } from '@jest/globals';
import { calicoDrop, CLUSTER, ct, endOfTier, FREE, save, unanswered } from '../../libs/explain/src/cause-scene.js';
import { at } from '../../libs/explain/src/fixture.js';
import { fetchDrops } from '../../apps/cli/src/drops/query.js';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => new Date(Number(at(seconds)) * 1000).toISOString();
const ALL = { from: time(-3_600), to: time(7_200), failed: true };
/** Seconds by which the clock of n2 is ahead of that of n1. */
const AHEAD = 2;
const PORTS = [41_001, 41_002, 41_003, 41_004];

interface Answer {
  readonly counterConservation: {
    readonly nodes: readonly {
      readonly from: string;
      readonly packets: string;
      readonly attributed: string;
      readonly excess: string;
    }[];
  };
}

const WINDOWS = `query ($filter: ConservationFilter!) {
  counterConservation(filter: $filter, first: 50) { nodes { from packets attributed excess } }
}`;

/** Connections that both nodes let through, each by its own clock. */
const passed = (ahead: number) =>
  PORTS.map(
    (sport, i) =>
      ct(50.3 + i * 2 + ahead, 'NEW', 'SYN_SENT', 'UNREPLIED', { to: FREE, sport }) +
      ct(50.31 + i * 2 + ahead, 'UPDATE', 'ESTABLISHED', 'ASSURED', { to: FREE, sport }),
  ).join('');

describe('counters of a node whose clock is ahead', () => {
  let stack: Stack;
  let sequence = 0;

  const ship = async (node: string | null, format: string, text: string, seconds = -600) => {
    const key = { stream: `${format}.${sequence}`, epoch: 1, sequence: sequence++ };
    const envelope = { version: 1 as const, cluster: 'ahead', node, format, ...key, observedFrom: time(seconds) };
    await stack.client.ship(envelope, Buffer.from(text));
  };

  beforeAll(async () => {
    stack = await startStack('postgres');
    await ship(null, 'kubernetes-objects', CLUSTER);
    const rule = [endOfTier('web')];
    // The counter moved between 60 and 120 by the clock of n2; by that of n1 it was 59 when the packet died.
    for (const [seconds, packets] of [
      [0, 0],
      [60, 0],
      [120, 1],
    ] as const) {
      await ship('n2', 'iptables-save', save(rule, packets), seconds);
    }
    await ship('n1', 'conntrack-events', passed(0) + unanswered({}, 59));
    await ship('n2', 'conntrack-events', passed(AHEAD));
    await ship('n2', 'xtables-trace', calicoDrop('web', {}, 61).trace ?? '');
    await waitUntilWorked(stack);
  });
  afterAll(() => stack.stop());

  it('are held against drops by that clock', async () => {
    const [drop] = await fetchDrops(stack.client, ALL);
    expect(drop?.explanation.assumptions.join()).toContain('clock of node n2 runs 2.0 s ahead');
    expect(Date.parse(drop?.firstSeenAt ?? '')).toBe(Date.parse(time(59)));
    const timeRange = { from: ALL.from, to: ALL.to };
    const { counterConservation } = await stack.client.query<Answer>(WINDOWS, { filter: { timeRange } });
    expect(counterConservation.nodes).toEqual([
      { from: expect.stringContaining(time(60).slice(0, 19)) as string, packets: '1', attributed: '1', excess: '0' },
    ]);
  });
});
