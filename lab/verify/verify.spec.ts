import { spawnSync } from 'node:child_process';
import { newTally, shotsFor, verifyRuleset, type Tally } from './compare.js';
import { dialects } from './dialects.js';
import { Random } from './random.js';
import { randomRuleset } from './rulesets.js';
import { Topology } from './topology.js';

/** How much is tried: `VERIFY=full` is the whole proof, anything else a sample of it. */
const SIZES = {
  full: { dialectPackets: 80, v4: 200, v6: 80, packets: 12 },
  sample: { dialectPackets: 24, v4: 30, v6: 10, packets: 12 },
} as const;

const size = SIZES[process.env['VERIFY'] === 'full' ? 'full' : 'sample'];
const seed = Number(process.env['VERIFY_SEED'] ?? 1);

const TOOLS = [
  'ip',
  'bridge',
  'ipset',
  'conntrack',
  'iptables-nft-restore',
  'xtables-monitor',
  'nft',
  'python3',
  'stdbuf',
];

/** Why the kernel cannot be asked here; undefined when it can. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root';
  const lacking = TOOLS.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (lacking.length > 0) return `${lacking.join(', ')} is not installed`;
  const name = `wdv-probe-${process.pid}`;
  const isAllowed = spawnSync('ip', ['netns', 'add', name]).status === 0;
  spawnSync('ip', ['netns', 'del', name]);
  return isAllowed ? undefined : 'network namespaces cannot be made';
}

async function verifyAll(topology: Topology): Promise<Tally> {
  const tally = newTally();
  // Ids of packets are 16 bits wide and one packet may use two.
  let start = 0;
  const next = (packets: number) => (start += packets * 2 + 2);
  for (const plan of Object.values(dialects())) {
    const random = new Random(seed);
    const shots = () => shotsFor(random, plan, size.dialectPackets, next(size.dialectPackets));
    await verifyRuleset(topology, plan, shots, tally);
  }
  for (const family of ['inet', 'inet6'] as const) {
    for (let i = 0; i < (family === 'inet' ? size.v4 : size.v6); i++) {
      const random = new Random(seed * 100_000 + i);
      const plan = randomRuleset(random, family, i);
      const shots = () => shotsFor(random, plan, size.packets, next(size.packets));
      await verifyRuleset(topology, plan, shots, tally);
    }
  }
  return tally;
}

function report({ rulesets, packets, certain, open, ends, disagreements }: Tally): string {
  const met = [...ends].map(([end, count]) => `${count} ${end}`).join(', ');
  return `${packets} packets through ${rulesets} rulesets (${met}): the walk was sure of ${certain} and right, left ${open} open rightly, disagreed on ${disagreements.length}\n`;
}

describe('the chain walk against the kernel', () => {
  it(
    'agrees on every packet: each rule on its way, and what became of it',
    async () => {
      const reason = obstacle();
      if (reason !== undefined) {
        if (process.env['CI'] === 'true') throw new Error(`the walk cannot be held against the kernel: ${reason}`);
        process.stdout.write(`left out: the walk against the kernel, because ${reason}\n`);
        return;
      }
      const topology = new Topology(`wdv${process.pid}`);
      try {
        await topology.start(new URL('./sender.py', import.meta.url).pathname);
        const tally = await verifyAll(topology);
        process.stdout.write(report(tally));
        expect(tally.disagreements.slice(0, 3).join('\n\n')).toBe('');
        expect(tally.packets).toBeGreaterThan(size.v4 * size.packets);
        // A walk that leaves everything open would agree with anything.
        expect(tally.certain / tally.packets).toBeGreaterThan(0.75);
      } finally {
        await topology.stop();
      }
    },
    size === SIZES.full ? 600_000 : 120_000,
  );
});
