import { resolve } from 'node:path';
import { capture, type Truth } from './src/capture.js';
import { LabError } from './src/shell.js';
import { STORIES } from './src/stories/registry.js';

const USAGE = `usage: lab capture STORY [FOLDER]      writes FOLDER/bundle and FOLDER/truth.jsonl
stories: ${STORIES.map((story) => story.name).join(', ')}`;

function print(line: Truth): void {
  const where = line.rule === null ? '' : `  at ${line.node} ${line.table} ${line.chain}, ${line.packets} packets`;
  console.log(`${line.outcome.padEnd(8)} ${line.from} -> ${line.to}:${line.port ?? 'icmp'}${where}`);
}

async function main(args: readonly string[]): Promise<number> {
  const [command, name, folder] = args;
  const story = STORIES.find((each) => each.name === name);
  if (command !== 'capture' || !story) {
    console.error(USAGE);
    return 2;
  }
  const truth = await capture(story, resolve(folder ?? `test/scenarios/${story.name}`));
  truth.forEach(print);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
