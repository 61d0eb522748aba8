import { jest } from '@jest/globals';
import { CLUSTER, ct, FREE, save } from '../../libs/explain/src/cause-scene.js';
import { at } from '../../libs/explain/src/fixture.js';
import { fetchDrops } from '../../apps/cli/src/drops/query.js';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => new Date(Number(at(seconds)) * 1000).toISOString();
const ALL = { from: time(-3_600), to: time(7_200), failed: true };
const QUIET_RULES = save(['-A FORWARD -s 203.0.113.9/32 -j DROP'], 5);

/** A SYN is the last thing that a node's conntrack says for a while: it may still be answered, so nothing is told yet. */
describe('a connection that was still open when it was first looked at', () => {
  let stack: Stack;
  let sequence = 0;

  const shipped = async (node: string | null, format: string, text: string, seconds: number) => {
    const key = { stream: `${format}.${sequence}`, epoch: 1, sequence: sequence++ };
    const envelope = { version: 1 as const, cluster: 'open', node, format, ...key, observedFrom: time(seconds) };
    await stack.client.ship(envelope, Buffer.from(text));
    await waitUntilWorked(stack);
  };
  const told = async () => (await fetchDrops(stack.client, ALL)).map(({ sourcePort }) => sourcePort);

  beforeAll(async () => {
    stack = await startStack('postgres');
    await shipped(null, 'kubernetes-objects', CLUSTER, -600);
    for (const node of ['n1', 'n2']) await shipped(node, 'iptables-save', QUIET_RULES, -5);
  });
  afterAll(() => stack.stop());

  it.each([
    ['ten seconds', 0, 10],
    ['twenty minutes', 30, 1_230],
    ['an hour, by a clock that jumped', 1_300, 4_900],
  ])('is told when the stream goes on after %s', async (_, begin, later) => {
    await shipped(
      'n1',
      'conntrack-events',
      ct(begin, 'NEW', 'SYN_SENT', 'UNREPLIED', { to: FREE, sport: 41_000 + begin }),
      begin,
    );
    expect(await told()).not.toContain(41_000 + begin);
    await shipped(
      'n1',
      'conntrack-events',
      ct(later, 'NEW', 'SYN_SENT', 'UNREPLIED', { to: FREE, sport: 51_000 + begin }),
      later,
    );
    expect((await told()).filter((port) => port === 41_000 + begin)).toHaveLength(1);
  });
});
