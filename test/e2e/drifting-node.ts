import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { formatInstant } from '@whydrop/model';
import type { BundleBatch } from '../../apps/cli/src/import/bundle.js';
import { batchesOf } from './delivery.js';

// A node's real ruleset, read every twenty seconds; for some of these its agent had fallen out of step.
const BUNDLE = path.resolve(import.meta.dirname, '../scenarios/not-a-policy-calico-old/bundle');
export const BEGIN = 1_795_262_200_000_000;
export const STEP = 20_000_000;

const NODE = path.join(BUNDLE, 'nodes/n2');
const read = (start: string) => {
  const [name = ''] = readdirSync(NODE).filter((file) => file.startsWith(`${start}.`));
  return readFileSync(path.join(NODE, name), 'utf8');
};
const RULES = read('iptables');
const SETS = read('ipset');

const LOST = /^add cali40s:s5AS7YPbgJrZVj_0vqawL6X .*\n/m;
const ORPHAN = RULES.replace(':cali-to-host-endpoint', ':cali-tw-cali0123456789a - [0:0]\n:cali-to-host-endpoint');

/** What was read at each step. */
function rulesAt(step: number): string {
  return step >= 3 && step <= 6 ? ORPHAN : RULES;
}

function setsAt(step: number): string {
  // For a moment in step 7 as well: nobody needs to hear of that.
  return (step >= 2 && step <= 5) || step === 7 ? SETS.replace(LOST, '') : SETS;
}

/** What a collector on the node sent, with what its cluster had. */
export async function driftingNode(): Promise<readonly BundleBatch[]> {
  const all = await batchesOf(BUNDLE);
  const taken = all.find(({ envelope }) => envelope.node === 'n2' && envelope.format === 'iptables-save');
  if (!taken) throw new Error('the bundle has no ruleset of n2');
  const snapshot = (format: string, text: string, step: number, later: number): BundleBatch => {
    const at = BEGIN + step * STEP + later;
    const { envelope } = taken;
    const own = { stream: format, format, sequence: step + 100, observedFrom: formatInstant(at) };
    return { ...taken, envelope: { ...envelope, ...own }, payload: Buffer.from(text) };
  };
  const steps = Array.from({ length: 10 }, (_, step) => step);
  return [
    ...all.filter(({ envelope }) => envelope.node === null || envelope.format === 'interfaces'),
    ...steps.flatMap((step) => [
      snapshot('iptables-save', rulesAt(step), step, 0),
      snapshot('ipset-save', setsAt(step), step, 40_000),
    ]),
  ];
}
