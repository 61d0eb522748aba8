import type { Disorder, Level } from './evidence.js';
import type { Ratio, Score } from './score.js';

/** What one line of the table stands for. */
export interface Line {
  readonly dialect: string;
  readonly level: Level;
  readonly disorder: Disorder;
  readonly score: Score;
}

const plus = (a: Ratio, b: Ratio): Ratio => ({ right: a.right + b.right, of: a.of + b.of });

export function sumOf(scores: readonly [Score, ...Score[]]): Score {
  return scores.reduce((a, b) => ({
    attempts: a.attempts + b.attempts,
    dropped: a.dropped + b.dropped,
    reported: a.reported + b.reported,
    found: a.found + b.found,
    causes: plus(a.causes, b.causes),
    policies: plus(a.policies, b.policies),
    rules: plus(a.rules, b.rules),
    packets: a.packets + b.packets,
    unaccounted: a.unaccounted + b.unaccounted,
    countedOnly: a.countedOnly + b.countedOnly,
    undecided: a.undecided + b.undecided,
    unnamed: a.unnamed + b.unnamed,
    wrong: [...a.wrong, ...b.wrong],
  }));
}

/** 100 % is said only where nothing is missing. */
function percent({ right, of }: Ratio): string {
  if (of === 0) return '-';
  return right === of ? '100 %' : `${(Math.floor((right / of) * 1000) / 10).toFixed(1)} %`;
}

const COLUMNS: readonly (readonly [string, (line: Line) => string])[] = [
  ['dialect', ({ dialect }) => dialect],
  ['evidence', ({ level }) => level],
  ['disorder', ({ disorder }) => disorder],
  ['attempts', ({ score }) => `${score.attempts}`],
  ['dropped', ({ score }) => `${score.dropped}`],
  ['told', ({ score }) => `${score.reported}`],
  ['recall', ({ score }) => percent({ right: score.found, of: score.dropped })],
  ['precision', ({ score }) => percent({ right: score.found, of: score.reported })],
  ['cause', ({ score }) => percent(score.causes)],
  ['policy', ({ score }) => percent(score.policies)],
  ['rule', ({ score }) => percent(score.rules)],
  ['packets', ({ score }) => `${score.packets}`],
  ['counted only', ({ score }) => `${score.countedOnly}`],
  ['unaccounted', ({ level, score }) => (level === 'policies' ? '-' : `${score.unaccounted}`)],
  ['wrong', ({ score }) => `${score.wrong.length}`],
  ['UNDECIDED', ({ score }) => `${score.undecided}`],
  ['names nothing', ({ score }) => `${score.unnamed}`],
];

/** A Markdown table, padded so that it can be read as it is. */
export function tableOf(lines: readonly Line[]): string {
  const rows = [COLUMNS.map(([name]) => name), ...lines.map((line) => COLUMNS.map(([, text]) => text(line)))];
  const widths = COLUMNS.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const print = (row: readonly string[]) => {
    const cells = row.map((cell, column) =>
      column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `| ${cells.join(' | ')} |`;
  };
  const rule = widths.map((width, column) => (column < 3 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  const [head = [], ...body] = rows;
  return [print(head), print(rule), ...body.map(print)].join('\n');
}
