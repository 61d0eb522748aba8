import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isWhole } from './checker.js';
import { FAULTS } from './faults.js';
import { poisoned } from './poison.js';
import { survive, survived } from './run.js';

/** A change of one line that breaks a promise, and the fault that has to bring it to light. */
export interface Mutant {
  readonly name: string;
  readonly what: string;
  /** Words in the names of faults; `poison` for the record that kills its worker. */
  readonly faults: readonly string[];
  readonly kills: number;
  readonly file: string;
}

/** What it took to see a mutant; undefined when nothing was seen. */
export interface Caught {
  readonly mutant: Mutant;
  readonly how: string | undefined;
  readonly seconds: number;
}

/** The head of a patch says what it breaks, and how it is to be found; git passes over it. */
export function readMutants(folder: string): readonly Mutant[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.patch'));
  return files.toSorted().map((name) => {
    const file = path.join(folder, name);
    const text = readFileSync(file, 'utf8');
    const faults = /^faults: (.+)$/m.exec(text)?.[1]?.split(',');
    const kills = /^kills: (\d+)$/m.exec(text)?.[1];
    if (!faults || !kills) throw new Error(`${file}: the head must have the lines "faults: WORD,WORD" and "kills: N"`);
    return {
      name: name.replace(/\.patch$/, ''),
      what: text.split('\n', 1)[0] ?? '',
      faults,
      kills: Number(kills),
      file,
    };
  });
}

/** A copy of the committed sources to be broken and built; it goes when the work is done. */
async function withScratch<T>(root: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-mutant-'));
  const scratch = path.join(folder, 'tree');
  const git = (...args: readonly string[]) => execFileSync('git', ['-C', root, ...args], { stdio: 'ignore' });
  git('worktree', 'add', '--detach', scratch, 'HEAD');
  try {
    symlinkSync(path.join(root, 'node_modules'), path.join(scratch, 'node_modules'));
    return await work(scratch);
  } finally {
    git('worktree', 'remove', '--force', scratch);
    rmSync(folder, { recursive: true, force: true });
  }
}

const apply = (scratch: string, { file }: Mutant, ...how: readonly string[]) =>
  execFileSync('git', ['-C', scratch, 'apply', ...how, file], { stdio: 'ignore' });

const build = (scratch: string) =>
  execFileSync(process.execPath, [path.join(scratch, 'tools/prepare.mjs')], { stdio: 'ignore' });

async function seenByPoison(product: string): Promise<string | undefined> {
  const { deaths, verdict, rejects, partsLeft } = await poisoned(product, 8);
  const alone =
    rejects.length === 1 && verdict.rejected === 1 && verdict.stored === verdict.sent - 1 && partsLeft === 0;
  if (alone && isWhole(verdict)) return undefined;
  const counts = [`${deaths} deaths`, `${verdict.rejected} of ${verdict.sent} records rejected instead of 1`];
  return [...counts, ...verdict.violations.slice(0, 1)].join('; ').slice(0, 200);
}

async function seenByFaults(product: string, mutant: Mutant, seed: number): Promise<string | undefined> {
  const faults = FAULTS.filter(({ name }) => mutant.faults.some((word) => name.includes(word)));
  const until = { kills: mutant.kills, milliseconds: 120_000 };
  const result = await survive({ seed, until, product, appendOnly: true, faults, say: () => undefined });
  if (survived(result)) return undefined;
  const { ordeal, verdict } = result;
  const counts = [`${verdict.lost.length} lost`, `${verdict.duplicated.length} duplicated`];
  return [...counts, ...ordeal.violations, ...verdict.violations.slice(0, 2)].join('; ').slice(0, 200);
}

/** Breaks the program in each way, builds it, and lets the fault befall it that has to show. */
export async function huntMutants(
  root: string,
  wanted: readonly string[],
  seed: number,
  say: (line: string) => void,
): Promise<readonly Caught[]> {
  const all = readMutants(path.join(root, 'test/survival/mutants'));
  const mutants = all.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
  return withScratch(root, async (scratch) => {
    const caught: Caught[] = [];
    for (const mutant of mutants) {
      const begun = Date.now();
      apply(scratch, mutant);
      build(scratch);
      const poison = mutant.faults.includes('poison');
      const how = await (poison ? seenByPoison(scratch) : seenByFaults(scratch, mutant, seed));
      apply(scratch, mutant, '-R');
      const seconds = (Date.now() - begun) / 1000;
      caught.push({ mutant, how, seconds });
      say(
        `${how === undefined ? 'SURVIVES' : 'caught  '} ${mutant.name} (${seconds.toFixed(0)} s): ${how ?? mutant.what}`,
      );
    }
    return caught;
  });
}
