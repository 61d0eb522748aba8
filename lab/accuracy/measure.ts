import { readBundleRecords } from '@whydrop/testing';
import { dialectNamed } from '../src/dialects/registry.js';
import { Random } from '../verify/random.js';
import type { Captured } from './capture.js';
import { answersOf, type Disorder, type Level, looksAt } from './evidence.js';
import { scoreOf } from './score.js';
import { STORED_LOOK, storedInDisorder } from './stored.js';
import { type Line, sumOf } from './table.js';

const LEVELS: readonly Level[] = ['trace', 'log', 'counters', 'policies'];
const DISORDERS: readonly Disorder[] = ['none', 'shuffled', 'skewed', 'missing'];

/** A plugin that logs nothing has no level of its own for its log. */
function levelsOf(dialect: string): readonly Level[] {
  return LEVELS.filter((level) => level !== 'log' || dialectNamed(dialect).nflogGroups.length > 0);
}

/** Answers to one capture at every level of evidence and in every disorder. */
export function measure({ bundle, dialect, attempts }: Captured, seed: number): readonly Line[] {
  const records = readBundleRecords(bundle);
  const nodes = Object.keys(records.manifest.nodes);
  return levelsOf(dialect).flatMap((level) =>
    DISORDERS.flatMap((disorder): readonly Line[] => {
      const random = new Random(seed);
      const scores = looksAt(level, disorder, nodes, random).map((look) =>
        scoreOf(attempts, answersOf(records, look, random), look),
      );
      const [first, ...others] = scores;
      return first ? [{ dialect, level, disorder, score: sumOf([first, ...others]) }] : [];
    }),
  );
}

/** The same capture through the database, in the wrong order. */
export async function measureStored({ bundle, dialect, attempts }: Captured, seed: number): Promise<Line> {
  const answers = await storedInDisorder(bundle, new Random(seed));
  const { level, disorder } = STORED_LOOK;
  return { dialect, level, disorder, score: scoreOf(attempts, answers, STORED_LOOK) };
}

/** One line for each dialect, level and disorder out of those of several captures. */
export function merged(lines: readonly Line[]): readonly Line[] {
  const same = (a: Line, b: Line) => a.dialect === b.dialect && a.level === b.level && a.disorder === b.disorder;
  const first = lines.filter((line, at) => lines.findIndex((other) => same(other, line)) === at);
  return first.map((line) => {
    const [one = line, ...others] = lines.filter((other) => same(other, line));
    return { ...line, score: sumOf([one.score, ...others.map(({ score }) => score)]) };
  });
}
