import path from 'node:path';
import { parseArgs } from 'node:util';
import { DATABASE_DISK_FAULT, FAULTS, LONG_DATABASE_DISK_FAULT, LONG_LINK_FAULTS } from './faults.js';
import { huntMutants } from './mutants.js';
import type { Verdict } from './checker.js';
import { type RunPlan, survive, survived } from './run.js';
import { tableOf } from './table.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const USAGE =
  'npm run test:survival -- [--seed N] [--kills N] [--for 60s] [--faults WORD,WORD] [--no-aof] [--storm] [--alone] [--patience 90s] [--every MILLISECONDS] [--product DIR]\n' +
  'npm run test:survival -- --mutants [WORD …]';

/** `90`, `90s`, `10m`, `2h` in milliseconds. */
function duration(text: string, name = 'for'): number {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (!match) throw new Error(`--${name} ${text}: wants a number of seconds, or 60s, 10m, 2h`);
  return Number(match[1]) * 1000 * { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'];
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} ${text}: wants a whole number`);
  return number;
}

const say = (line: string) => void process.stdout.write(`${line}\n`);

function planOf(args: readonly string[]): RunPlan {
  const text = { type: 'string' } as const;
  const options = {
    seed: text,
    kills: text,
    for: text,
    faults: text,
    product: text,
    'no-aof': { type: 'boolean' },
    storm: { type: 'boolean' },
    alone: { type: 'boolean' },
    patience: text,
    every: text,
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const words = values.faults?.split(',');
  const faults = words
    ? [...FAULTS, ...LONG_LINK_FAULTS, DATABASE_DISK_FAULT, LONG_DATABASE_DISK_FAULT].filter(({ name }) =>
        words.some((word) => name.includes(word)),
      )
    : FAULTS;
  if (faults.length === 0)
    throw new Error(`--faults ${values.faults}: there is none of ${FAULTS.map(({ name }) => name).join(', ')}`);
  return {
    seed: values.seed === undefined ? Date.now() % 1_000_000 : whole('seed', values.seed),
    until: {
      storm: values.storm === true,
      alone: values.alone === true,
      ...(values.patience === undefined ? {} : { hangsAfterMs: duration(values.patience, 'patience') }),
      kills: whole('kills', values.kills ?? (values.for === undefined ? '100' : '1000000')),
      milliseconds: values.for === undefined ? 3_600_000 : duration(values.for),
    },
    product: path.resolve(values.product ?? ROOT),
    appendOnly: values['no-aof'] !== true,
    faults,
    ...(values.every === undefined ? {} : { pace: { everyMs: whole('every', values.every), records: 10 } }),
    rebuilt: true,
    say,
  };
}

/** Exit code: 0 when every mutant was seen. */
async function mutants(words: readonly string[]): Promise<number> {
  const caught = await huntMutants(ROOT, words, 1, say);
  const seen = caught.filter(({ how }) => how !== undefined);
  say(`${seen.length} of ${caught.length} mutants were caught`);
  return seen.length === caught.length ? 0 : 1;
}

/** Said before the second database is built, which takes its time. */
function onVerdict({ sent, stored, duplicated, lost }: Verdict): void {
  say(`${sent} sent, ${stored} stored, ${duplicated.length} duplicated, ${lost.length} lost`);
}

/** Exit code: 0 everything is there once, 1 something is not, 2 usage. */
export async function main(args: readonly string[]): Promise<number> {
  if (args[0] === '--mutants') return mutants(args.slice(1));
  let plan: RunPlan;
  try {
    plan = planOf(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    return 2;
  }
  say(`seed ${plan.seed}; the same faults again: npm run test:survival -- --seed ${plan.seed}`);
  const result = await survive({ ...plan, onVerdict });
  const { ordeal, verdict, seconds, ends, rebuilt } = result;
  say(`\n${tableOf(result)}\n`);
  say(`${ordeal.kills} kills in ${ordeal.rounds} bursts of faults, ${seconds.toFixed(0)} s, seed ${plan.seed}`);
  for (const end of ends) say(`ended by itself: ${end}`);
  if (rebuilt) {
    const how = rebuilt.same ? 'byte for byte the same' : `DIFFERENT:\n${rebuilt.difference.join('\n')}`;
    say(`rebuilt from the raw batches in another order: ${rebuilt.drops} drops, ${how} (${rebuilt.digest})`);
  }
  for (const violation of [...ordeal.violations, ...verdict.violations]) say(`VIOLATION ${violation}`);
  return survived(result) ? 0 : 1;
}
