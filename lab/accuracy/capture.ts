import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from '../src/capture.js';
import { Random } from '../verify/random.js';
import { drawScenario } from './topology.js';
import { type KnownAttempt, knownAttempts } from './truth.js';

/** A bundle on disk, with what is known of every attempt in it. */
export interface Captured {
  readonly bundle: string;
  readonly dialect: string;
  readonly attempts: readonly KnownAttempt[];
}

export interface Plan {
  readonly dialect: string;
  readonly seed: number;
  readonly attempts: number;
  /** Attempts that are made side by side under the same policies. */
  readonly perRound: number;
  readonly folder: string;
}

/** Hosts that an operator fences by hand have no policies to be asked. */
function forgetPolicies(bundle: string): void {
  for (const name of ['policies.yaml', 'events.jsonl']) rmSync(join(bundle, 'cluster', name), { force: true });
}

/** Draws a cluster, runs it on this machine's kernel, and writes what its nodes recorded below `folder`. */
export async function captureRandom({ dialect, seed, attempts, perRound, folder }: Plan): Promise<Captured> {
  const drawn = drawScenario(new Random(seed), dialect, attempts, perRound);
  const truths = await capture(drawn.scenario, folder, { trace: true, unforeseen: true });
  const bundle = join(folder, 'bundle');
  if (dialect === 'plain') forgetPolicies(bundle);
  return { bundle, dialect, attempts: knownAttempts(drawn, truths) };
}
