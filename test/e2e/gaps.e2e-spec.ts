import { jest } from '@jest/globals';
import { COVERAGE_FORMAT, GAP_FORMAT, type GapInput } from '@whydrop/contracts';
import { CLUSTER, FREE, save, unanswered } from '../../libs/explain/src/cause-scene.js';
import { at } from '../../libs/explain/src/fixture.js';
import { type DropAnswer, fetchDrops } from '../../apps/cli/src/drops/query.js';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => new Date(Number(at(seconds)) * 1000).toISOString();
const ALL = { from: time(-3_600), to: time(3_600), failed: true };
const QUIET_RULES = save(['-A FORWARD -s 203.0.113.9/32 -j DROP'], 5);

/** Node n1 sent it, n2 never saw it: whether that means anything hangs on whether n2 was read without a gap. */
describe('a loss that overlaps a drop', () => {
  let stack: Stack;
  let sequence = 0;

  const shipped = async (node: string | null, format: string, text: string, seconds = 0) => {
    const key = { stream: `${format}.${sequence}`, epoch: 1, sequence: sequence++ };
    const envelope = { version: 1 as const, cluster: 'gaps', node, format, ...key, observedFrom: time(seconds) };
    await stack.client.ship(envelope, Buffer.from(text));
  };
  const lost = async (gap: Omit<GapInput, 'stream' | 'reason'>): Promise<DropAnswer | undefined> => {
    const line = JSON.stringify({ stream: 'conntrack.log', reason: 'EVENTS_LOST', ...gap });
    await shipped('n2', GAP_FORMAT, `${line}\n`);
    await waitUntilWorked(stack);
    return (await fetchDrops(stack.client, ALL))[0];
  };

  beforeAll(async () => {
    stack = await startStack('postgres');
    await shipped(null, 'kubernetes-objects', CLUSTER, -600);
    const nodes = { n1: ['conntrack', 'iptables'], n2: ['conntrack', 'iptables'] };
    await shipped(null, COVERAGE_FORMAT, JSON.stringify({ from: time(-60), to: time(600), nodes }));
    for (const node of ['n1', 'n2'])
      for (const seconds of [-5, 60]) await shipped(node, 'iptables-save', QUIET_RULES, seconds);
    await shipped('n1', 'conntrack-events', unanswered({ to: FREE }));
    await waitUntilWorked(stack);
  });

  afterAll(() => stack.stop());

  it('without one, what n2 did not see did not reach it', async () => {
    const [drop, ...others] = await fetchDrops(stack.client, ALL);
    expect(others).toEqual([]);
    expect(drop).toMatchObject({ cause: 'CLOUD_SG_NACL', basis: 'DERIVED', explanation: { missing: [] } });
  });

  it.each([
    ['of another time', { channel: 'conntrack', from: time(300), to: time(301) }],
    ['of another channel', { channel: 'kernel-log', from: time(0), to: time(30) }],
  ])('a loss %s changes nothing', async (_, gap) => {
    expect(await lost(gap)).toMatchObject({ cause: 'CLOUD_SG_NACL', explanation: { missing: [] } });
  });

  it('a loss of conntrack events at that time takes the answer back, and is named', async () => {
    const drop = await lost({ channel: 'conntrack', from: time(0), to: time(30), records: 12 });
    expect(drop).toMatchObject({ cause: 'UNDECIDED', basis: 'UNKNOWN' });
    expect(drop?.explanation.missing).toEqual(['the conntrack of node n2 without a gap around that time']);
  });
});
