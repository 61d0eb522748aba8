import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openBundle } from '../import/bundle.js';
import { importBundle } from '../import/command.js';
import type { Io } from '../io.js';
import { WhydropClient } from '../server/client.js';
import { startHere, untilSignal, UP_OPTIONS, welcome } from './command.js';

const SCENARIOS = path.resolve(import.meta.dirname, '../../../../../test/scenarios');
/** The stories shown first, and in this order. */
const FIRST = ['contrail-three-tier', 'calico-web-deny-all'];

/** Captured stories that have a bundle. */
async function bundles(): Promise<readonly string[]> {
  const names = (await readdir(SCENARIOS)).toSorted();
  const ordered = [...FIRST, ...names.filter((name) => !FIRST.includes(name))];
  const found: string[] = [];
  for (const name of ordered) {
    const directory = path.join(SCENARIOS, name, 'bundle');
    if (await stat(path.join(directory, 'bundle.yaml')).catch(() => undefined)) found.push(directory);
  }
  return found;
}

/** `whydrop demo`: what Whydrop says about captures of real kernels, then it keeps serving them. */
export async function runDemo(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args, options: { ...UP_OPTIONS, exit: { type: 'boolean' } } });
  const stopped = untilSignal();
  const running = await startHere(values, io);
  const client = new WhydropClient(running.url, running.token);
  try {
    for (const directory of await bundles()) {
      io.stdout(`\n== ${path.basename(path.dirname(directory))} ==\n\n`);
      await importBundle(client, await openBundle(directory), io);
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
