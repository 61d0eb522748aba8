import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LabError } from '../src/shell.js';
import { documentOf } from './document.js';
import { DIALECTS, run } from './run.js';
import { tableOf } from './table.js';

const USAGE = `usage: npm run lab:accuracy -- [--seed N] [--attempts N] [--dialect NAME[,NAME]] [--keep FOLDER] [--write]
Random clusters, policies and connections on this machine's kernel; what is told of them against what the kernel did.
--attempts  per dialect, 2000 unless given      --keep  captures stay in FOLDER, and are used again      --write  docs/accuracy.md
dialects: ${DIALECTS.join(', ')}`;

const PER_CAPTURE = 500;
const PER_ROUND = 60;

/** From the working directory: the program runs built and from source. */
const DOCUMENT = resolve(join('docs', 'accuracy.md'));

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new LabError(`${text} is no whole number\n${USAGE}`);
  return Number(text);
}

function dialectsOf(text: string | undefined): readonly string[] {
  const names = text?.split(',') ?? DIALECTS;
  const unknown = names.find((name) => !DIALECTS.includes(name));
  if (unknown !== undefined) throw new LabError(`There is no dialect ${unknown}\n${USAGE}`);
  return names;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: `${Math.floor(Date.now() / 1000) % 1_000_000}` },
      attempts: { type: 'string', default: '2000' },
      dialect: { type: 'string' },
      keep: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const [seed, attempts] = [wholeNumber(values.seed), wholeNumber(values.attempts)];
  const dialects = dialectsOf(values.dialect);
  console.log(`seed ${seed}, ${attempts} attempts per dialect`);
  const started = new Date();
  const sizes = { attempts, perCapture: Math.min(attempts, PER_CAPTURE), perRound: PER_ROUND, sideBySide: 2 };
  const result = await run({
    dialects,
    seed,
    ...sizes,
    keep: values.keep && resolve(values.keep),
    stored: dialects,
    say: (text) => console.log(text),
  });
  console.log(`\n${tableOf(result.lines)}\n`);
  for (const text of result.wrong.slice(0, 30)) console.log(text.slice(0, 400));
  for (const text of result.missed) console.log(`MISSED  ${text}`);
  console.log(result.missed.length === 0 ? 'All targets are reached.' : `${result.missed.length} targets are missed.`);
  if (values.write)
    writeFileSync(DOCUMENT, documentOf(result, { seed, attempts, day: started.toISOString().slice(0, 10) }));
  return result.missed.length === 0 ? 0 : 1;
}

// Leaving through exit takes the namespaces along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabError) && !(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
