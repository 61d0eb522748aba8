import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBundle } from '../import/bundle.js';
import { importBundle } from '../import/command.js';
import type { Io } from '../io.js';
import { WhydropClient } from '../server/client.js';
import { startHere, untilSignal, UP_OPTIONS, welcome } from './command.js';

const SCENARIOS = path.resolve(import.meta.dirname, '../../../../../test/scenarios');
/** Captures of real kernels, in the order in which they are shown; test/scenarios has more for `whydrop import`. */
const STORIES = ['contrail-three-tier', 'calico-web-deny-all'];

/** test/house/help.spec.ts holds the help against them. */
export const OPTIONS = { ...UP_OPTIONS, exit: { type: 'boolean' } } as const;

/** `whydrop demo`: what Whydrop says about captures of real kernels, then it keeps serving them. */
export async function runDemo(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const stopped = untilSignal();
  const running = await startHere(values, io);
  const client = new WhydropClient(running.url, running.token);
  try {
    for (const story of STORIES) {
      io.stdout(`\n== ${story} ==\n\n`);
      await importBundle(client, await openBundle(path.join(SCENARIOS, story, 'bundle')), io);
    }
    io.stdout(`\n${welcome(running, '?last=all')}`);
    if (values.exit !== true) {
      io.stdout('Ctrl-C stops everything.\n');
      await stopped;
      io.stderr('stopping\n');
    }
  } finally {
    await running.stop();
  }
  return 0;
}
