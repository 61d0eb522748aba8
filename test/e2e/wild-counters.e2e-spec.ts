import { jest } from '@jest/globals';
import { CLUSTER, ct, FREE, save } from '../../libs/explain/src/cause-scene.js';
import { at } from '../../libs/explain/src/fixture.js';
import { fetchDrops } from '../../apps/cli/src/drops/query.js';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => new Date(Number(at(seconds)) * 1000).toISOString();
const rules = (packets: bigint) => {
  const text = save(['-A FORWARD -s 203.0.113.9/32 -j DROP'], 5);
  return text.replace(/^\[\d+:\d+\] (?=-A FORWARD -s 203)/m, `[${packets}:5] `);
};
const metric = (value: string) => `weavenpc_blocked_connections_total{dport="5432",protocol="tcp"} ${value}\n`;

/** Numbers that no machine counts: of a broken exporter, a damaged file, `iptables-restore -c`. */
describe('counters that are out of their mind', () => {
  let stack: Stack;
  let sequence = 0;

  const shipped = async (node: string | null, format: string, text: string, seconds: number) => {
    const key = { stream: `${format}.${sequence}`, epoch: 1, sequence: sequence++ };
    const envelope = { version: 1 as const, cluster: 'wild', node, format, ...key, observedFrom: time(seconds) };
    await stack.client.ship(envelope, Buffer.from(text));
  };

  beforeAll(async () => {
    stack = await startStack('postgres');
  });
  afterAll(() => stack.stop());

  it('do not keep a cluster from being told its drops', async () => {
    await shipped(null, 'kubernetes-objects', CLUSTER, -600);
    const wild = [5n, 2n ** 63n - 1n, 7n, 2n ** 62n, 2n ** 40n];
    for (const [i, packets] of wild.entries()) await shipped('n1', 'iptables-save', rules(packets), i * 10 - 50);
    for (const [i, value] of ['3', '+Inf', 'NaN', '1e300', '5'].entries()) {
      await shipped('n2', 'prometheus-text', metric(value), i * 10 - 50);
    }
    const attempts = [0, 30].map((seconds) =>
      ct(seconds, 'NEW', 'SYN_SENT', 'UNREPLIED', { to: FREE, sport: 41_000 + seconds }),
    );
    for (const [i, text] of attempts.entries()) await shipped('n1', 'conntrack-events', text, i * 30);
    await waitUntilWorked(stack);
    const drops = await fetchDrops(stack.client, { from: time(-3_600), to: time(7_200), failed: true });
    expect(drops.map(({ sourcePort }) => sourcePort)).toContain(41_000);
  });
});
