import { jest } from '@jest/globals';
import { fetchDrops } from '../../apps/cli/src/drops/query.js';
import { decodeStream } from '@whydrop/decoders';
import { correlateCluster, loadBatch, openBatches, storeDecoded } from '@whydrop/storage';
import { CLUSTER, ct, FREE, save } from '../../libs/explain/src/cause-scene.js';
import { at } from '../../libs/explain/src/fixture.js';
import { waitUntilWorked } from './delivery.js';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => new Date(Number(at(seconds)) * 1000).toISOString();
const ALL = { from: time(-3_600), to: time(7_200), failed: true };
const unanswered = (seconds: number, sport: number) => ct(seconds, 'NEW', 'SYN_SENT', 'UNREPLIED', { to: FREE, sport });

describe('much that was acknowledged and is not stored yet', () => {
  let stack: Stack;
  let sequence = 0;

  const shipped = async (node: string | null, format: string, text: string, seconds: number) => {
    const key = { stream: `${format}.${sequence}`, epoch: 1, sequence: sequence++ };
    const times = { observedFrom: time(seconds), observedTo: time(seconds) };
    const envelope = { version: 1 as const, cluster: 'backlog', node, format, ...key, ...times };
    return BigInt((await stack.client.ship(envelope, Buffer.from(text))).batchId);
  };
  const stored = async (id: bigint) => {
    const batch = await loadBatch(stack.database, id);
    if (!batch) throw new Error(`batch ${id} is not there`);
    const decoded = decodeStream('conntrack-events', batch.payload, { ...batch });
    await storeDecoded(stack.database, batch, decoded, Date.now() * 1000);
    return batch.clusterId;
  };
  const told = async () => (await fetchDrops(stack.client, ALL)).map(({ sourcePort }) => sourcePort);

  beforeAll(async () => {
    stack = await startStack('postgres', { worker: false });
    await shipped(null, 'kubernetes-objects', CLUSTER, -600);
    const rules = save(['-A FORWARD -s 203.0.113.9/32 -j DROP'], 5);
    for (const node of ['n1', 'n2']) await shipped(node, 'iptables-save', rules, -5);
    await stack.startWorker();
    await waitUntilWorked(stack);
    await stack.stopWorker();
  });
  afterAll(() => stack.stop());

  it('is found by the sweep however much is stored and waits for correlation', async () => {
    const waiting = [];
    for (let port = 1; port <= 3; port++) waiting.push(await shipped('n1', 'conntrack-events', unanswered(0, port), 0));
    const unstored = [];
    for (let port = 4; port <= 6; port++)
      unstored.push(await shipped('n1', 'conntrack-events', unanswered(1_000, port), 1_000));
    let clusterId = 0;
    for (const id of waiting) clusterId = await stored(id);
    expect(await openBatches(stack.database, 0, 2)).toEqual([
      { id: unstored[0], clusterId, stored: false },
      { id: unstored[1], clusterId, stored: false },
      { id: waiting[0], clusterId, stored: true },
    ]);
  });

  it('may hold the answer: nothing is judged by how far a batch goes that is not stored', async () => {
    const [open] = await openBatches(stack.database, 0, 1);
    await correlateCluster(stack.database, open?.clusterId ?? 0);
    expect(await told()).toEqual([]);
    await stack.startWorker();
    await waitUntilWorked(stack);
    expect((await told()).toSorted((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3]);
  });
});
