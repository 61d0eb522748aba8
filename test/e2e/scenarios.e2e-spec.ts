import { readdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fetchDrops, type DropAnswer } from '../../apps/cli/src/drops/query.js';
import { openBundle } from '../../apps/cli/src/import/bundle.js';
import { shipBundle } from '../../apps/cli/src/import/ship.js';
import { type Stack, startStack } from './stack.js';

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
  readonly outcome: 'allowed' | 'dropped' | 'rejected';
  readonly node: string | null;
  readonly chain: string | null;
  readonly rule: string | null;
}

function truthOf(name: string): readonly Truth[] {
  const file = path.join(SCENARIOS, name, 'truth.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Truth);
}

/** The story as a person reads it: what is in expected.txt, rewritten with UPDATE_GOLDEN=1 and reviewed as prose. */
function told(drops: readonly DropAnswer[]): string {
  return drops
    .map(({ sentence, cause, basis, verdict, packets, explanation }) => {
      const rule = explanation.chainRule
        ? `${explanation.chainRule.node}: ${explanation.chainRule.text}`
        : 'no chain rule';
      return `${verdict} ${cause} (${basis.toLowerCase()}, ${packets} packets)\n  ${sentence}\n  ${rule}\n`;
    })
    .join('\n');
}

describe.each(names)('%s', (name) => {
  let stack: Stack;
  let drops: readonly DropAnswer[];

  beforeAll(async () => {
    stack = await startStack('postgres');
    const bundle = await openBundle(path.join(SCENARIOS, name, 'bundle'));
    const shipped = await shipBundle(stack.client, bundle, IO);
    expect(shipped).toMatchObject({ rejects: 0, failing: 0, correlated: shipped.batches });
    const { cluster, from, to } = bundle.manifest;
    drops = await fetchDrops(stack.client, { cluster, from, to, failed: true });
  });

  afterAll(() => stack.stop());

  it('is told as expected', () => {
    const file = path.join(SCENARIOS, name, 'expected.txt');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, told(drops));
    expect(told(drops)).toBe(readFileSync(file, 'utf8'));
  });

  it('every attempt that the kernel dropped is one drop, at its node and rule, and no other is', () => {
    const truths = truthOf(name);
    const dropped = truths.filter((truth) => truth.outcome !== 'allowed');
    const key = (drop: DropAnswer) =>
      `${drop.protocol} ${drop.source.ip}:${drop.sourcePort} ${drop.original?.destination ?? drop.destination.ip}`;
    const wanted = dropped.map(
      (truth) => `${truth.protocol} ${truth.sourceIp}:${truth.sourcePort} ${truth.destinationIp}`,
    );
    const stopped = drops.filter((drop) => drop.verdict === 'DROPPED' || drop.verdict === 'REJECTED');
    expect(stopped.map(key).toSorted()).toEqual(wanted.toSorted());
    for (const truth of dropped) {
      const found = stopped.find((drop) => drop.source.ip === truth.sourceIp && drop.sourcePort === truth.sourcePort);
      expect(found?.explanation.chainRule).toMatchObject({ node: truth.node, chain: truth.chain });
    }
  });
});
