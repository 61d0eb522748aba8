import type { Line } from './table.js';

/** Logs without a limit that show every packet of a policy's rules; the others are rate-limited, or leave out echoes. */
const LOGS_EVERYTHING: readonly string[] = ['calico-current', 'plain'];

function isWhole({ right, of }: { readonly right: number; readonly of: number }, wanted: number): boolean {
  return right === of && of === wanted;
}

/** Every drop told, with the cause, policies and rule that the kernel and the lab know. */
function missesOfFullEvidence({ score }: Line): readonly string[] {
  const missed: string[] = [];
  if (score.found !== score.dropped) missed.push(`${score.dropped - score.found} drops are not told`);
  for (const [what, ratio] of [
    ['cause', score.causes],
    ['policy', score.policies],
    ['rule', score.rules],
  ] as const) {
    if (!isWhole(ratio, score.dropped)) missed.push(`${what}: ${ratio.right} of ${score.dropped} are right`);
  }
  return missed;
}

/** Which targets a line misses; none: it reaches all that are set for it. */
export function missedTargets(line: Line): readonly string[] {
  const { dialect, level, disorder, score } = line;
  const missed: string[] = [];
  if (score.reported !== score.found) missed.push(`${score.reported - score.found} told drops are none`);
  if (score.wrong.length > 0) missed.push(`${score.wrong.length} answers are wrong`);
  if (score.unnamed > 0) missed.push(`${score.unnamed} UNDECIDED name nothing that is missing`);
  if (score.unaccounted > 0) missed.push(`${score.unaccounted} dropped packets are neither told nor counted`);
  const full = level === 'trace' || (level === 'log' && LOGS_EVERYTHING.includes(dialect));
  if (full && disorder !== 'missing') missed.push(...missesOfFullEvidence(line));
  return missed.map((what) => `${dialect}, ${level}, ${disorder}: ${what}`);
}
