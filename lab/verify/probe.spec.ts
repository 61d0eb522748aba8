import { newTally, shotsFor, verifyRuleset } from './compare.js';
import { Random } from './random.js';
import { randomRuleset } from './rulesets.js';
import { Topology } from './topology.js';

it('probe', async () => {
  const topology = new Topology(`wdv${process.pid}`);
  const tally = newTally();
  const count = Number(process.env['N'] ?? 5);
  const seed = Number(process.env['SEED'] ?? 1);
  try {
    await topology.start(new URL('./sender.py', import.meta.url).pathname);
    for (let i = Number(process.env['FROM'] ?? 0); i < count; i++) {
      const random = new Random(seed * 1000 + i);
      const plan = randomRuleset(random, 'inet', i);
      const shots = shotsFor(random, plan, 12, i * 30);
      try {
        await verifyRuleset(topology, plan, shots, tally);
      } catch (e) {
        console.log(String(e));
      }
    }
  } finally {
    await topology.stop();
  }
  console.log(tally.disagreements.slice(0, 3).join('\n======\n'));
  console.log({ ...tally, disagreements: tally.disagreements.length });
}, 300_000);
