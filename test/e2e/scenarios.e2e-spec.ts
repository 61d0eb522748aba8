import { jest } from '@jest/globals';
import { readdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type CountedAnswer, fetchCounted } from '../../apps/cli/src/drops/counted.js';
import { fetchDrops, type DropAnswer } from '../../apps/cli/src/drops/query.js';
import { openBundle } from '../../apps/cli/src/import/bundle.js';
import { shipBundle } from '../../apps/cli/src/import/ship.js';
import type { BundleManifest } from '@whydrop/contracts';
import { type Stack, startStack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const SCENARIOS = path.resolve(import.meta.dirname, '../scenarios');
const IO = { stdout: () => undefined, stderr: () => undefined, interactive: false };
const names = readdirSync(SCENARIOS).filter((name) => existsSync(path.join(SCENARIOS, name, 'bundle', 'bundle.yaml')));

/** One line of truth.jsonl: what the kernel's own trace said became of one attempt. */
interface Truth {
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly sourcePort: number | null;
  readonly port: number | null;
  readonly protocol: string;
  readonly at: string;
  readonly outcome: 'allowed' | 'dropped' | 'rejected' | 'failed';
  readonly node: string | null;
  readonly chain: string | null;
  readonly rule: string | null;
  readonly cause: string | null;
  /** Packets that the rule ended, retries included. */
  readonly packets?: number;
}

function truthOf(name: string): readonly Truth[] {
  const file = path.join(SCENARIOS, name, 'truth.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Truth);
}

/** The same attempt: echoes are told apart by their id, which stands in the port's place of the kernel's truth. */
function isSame(drop: DropAnswer, truth: Truth): boolean {
  if (drop.protocol !== truth.protocol) return false;
  // An answer that was stopped: the attempt the other way round.
  if (drop.source.ip === truth.destinationIp && drop.sourcePort === truth.port)
    return drop.destination.ip === truth.sourceIp && drop.destinationPort === truth.sourcePort;
  if (drop.source.ip !== truth.sourceIp) return false;
  const to = [drop.destination.ip, drop.original?.destination];
  if (truth.protocol === 'ICMP') return to.includes(truth.destinationIp);
  return drop.sourcePort === truth.sourcePort;
}

/** The attempt that a drop tells of: where ports were used again, the last one before it. */
function truthBehind(drop: DropAnswer, truths: readonly Truth[]): Truth | undefined {
  const same = truths.filter((each) => isSame(drop, each));
  const until = Date.parse(drop.lastSeenAt) + 50;
  return same.findLast(({ at }) => Date.parse(at) <= until) ?? same[0];
}

/** The story as a person reads it: what is in expected.txt, rewritten with UPDATE_GOLDEN=1 and reviewed as prose. */
function told(drops: readonly DropAnswer[], counted: readonly CountedAnswer[]): string {
  const counts = counted.map(({ cause, sentence, channel, unattributed }) => {
    return `COUNTED ${cause} (${channel}, ${unattributed} packets)\n  ${sentence}\n`;
  });
  return [...drops.map(toldDrop), ...counts].join('\n');
}

function toldDrop({ sentence, cause, basis, verdict, packets, explanation }: DropAnswer): string {
  const rule = explanation.chainRule ? `${explanation.chainRule.node}: ${explanation.chainRule.text}` : 'no chain rule';
  return `${verdict} ${cause} (${basis.toLowerCase()}, ${packets} packets)\n  ${sentence}\n  ${rule}\n`;
}

describe.each(names)('%s', (name) => {
  let stack: Stack;
  let drops: readonly DropAnswer[];
  let counted: readonly CountedAnswer[];
  let manifest: BundleManifest;

  beforeAll(async () => {
    stack = await startStack('postgres');
    const bundle = await openBundle(path.join(SCENARIOS, name, 'bundle'));
    const shipped = await shipBundle(stack.client, bundle, IO);
    expect(shipped).toMatchObject({ rejects: 0, failing: 0, correlated: shipped.batches });
    manifest = bundle.manifest;
    const { cluster, from, to } = manifest;
    drops = await fetchDrops(stack.client, { cluster, from, to, failed: true });
    counted = await fetchCounted(stack.client, { from, to }, cluster);
  });

  afterAll(() => stack.stop());

  it('is told as expected', () => {
    const file = path.join(SCENARIOS, name, 'expected.txt');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, told(drops, counted));
    expect(told(drops, counted)).toBe(readFileSync(file, 'utf8'));
  });

  it('no drop is told that the kernel did not make, and each stands at its node and rule', () => {
    const truths = truthOf(name);
    if (truths.length === 0) return;
    for (const drop of drops.filter((each) => each.verdict === 'DROPPED' || each.verdict === 'REJECTED')) {
      const truth = truthBehind(drop, truths);
      expect([drop.sentence, truth?.outcome]).toEqual([drop.sentence, drop.verdict.toLowerCase()]);
      expect(drop.explanation.chainRule).toMatchObject({ node: truth?.node, chain: truth?.chain });
    }
  });

  it('no packet that the kernel dropped in a chain whose counters were read is missing: told or counted', async () => {
    const { rows } = await stack.database.pool.query<{ node: string; chain: string; packets: bigint }>(
      `SELECT node, facts #>> '{chainRule,chain}' AS chain, sum(packets)::int8 AS packets
         FROM counted_drop WHERE channel = 'counter' GROUP BY 1, 2`,
    );
    const dropped = new Map<string, number>();
    for (const { node, chain, packets, outcome } of truthOf(name)) {
      if (outcome === 'allowed' || node === null || chain === null || packets === undefined) continue;
      if (manifest.nodes[node]?.complete.includes('iptables') !== true) continue;
      dropped.set(`${node} ${chain}`, (dropped.get(`${node} ${chain}`) ?? 0) + packets);
    }
    for (const [place, packets] of dropped) {
      const counted = rows.find((row) => `${row.node} ${row.chain}` === place)?.packets ?? 0n;
      expect([place, Number(counted) >= packets, Number(counted), packets]).toEqual([
        place,
        true,
        Number(counted),
        packets,
      ]);
    }
  });

  it('every attempt that a policy dropped where packets are logged is told, once', () => {
    const logged = manifest.nodes;
    const denied = truthOf(name).filter(({ outcome, cause, node }) => {
      const isPolicy = cause === null || cause.startsWith('POLICY_');
      return outcome === 'dropped' && isPolicy && node !== null && logged[node]?.complete.includes('nflog') === true;
    });
    for (const truth of denied) {
      expect([truth, drops.filter((drop) => isSame(drop, truth) && drop.verdict === 'DROPPED').length]).toEqual([
        truth,
        1,
      ]);
    }
  });
});
