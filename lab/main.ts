import { resolve } from 'node:path';
import { capture, type Truth } from './src/capture.js';
import { LabError } from './src/shell.js';
import { STORIES } from './src/stories/registry.js';

const USAGE = `usage: lab capture STORY [FOLDER] [--trace]
Writes FOLDER/bundle and FOLDER/truth.jsonl; --trace puts the kernel's trace into the bundle.
stories: ${STORIES.map((story) => story.name).join(', ')}`;

function print(line: Truth): void {
  const where = line.rule === null ? '' : `  at ${line.node} ${line.table} ${line.chain}, ${line.packets} packets`;
  console.log(`${line.outcome.padEnd(8)} ${line.from} -> ${line.to}:${line.port ?? 'icmp'}${where}`);
}

async function main(args: readonly string[]): Promise<number> {
  const [command, name, folder] = args.filter((arg) => arg !== '--trace');
  const story = STORIES.find((each) => each.name === name);
  if (command !== 'capture' || !story) {
    console.error(USAGE);
    return 2;
  }
  const truth = await capture(
    story,
    resolve(folder ?? `test/scenarios/${story.name}`),
    args.includes('--trace') ? { trace: true } : {},
  );
  truth.forEach(print);
  return 0;
}

// Leaving through exit takes the namespaces along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
