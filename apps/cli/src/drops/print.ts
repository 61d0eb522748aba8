import type { Io } from '../io.js';
import type { DropAnswer } from './query.js';

/** `2026-11-20 22:40:18.520Z`: of a list that may hold days, and is read where the clock has another zone. */
function momentOf(time: string): string {
  return new Date(time).toISOString().replace('T', ' ');
}

/** A drop for a person: what, when, why. */
export function dropLine(drop: DropAnswer): string {
  const packets = `${drop.packets} packet${drop.packets === 1 ? '' : 's'}`;
  const rule = drop.explanation.chainRule;
  const ended = rule ? `    ${rule.node}: ${rule.text}\n` : '';
  return `${drop.key}  ${momentOf(drop.firstSeenAt)}  ${drop.cause}  ${drop.basis.toLowerCase()}, ${packets}\n    ${drop.sentence}\n${ended}`;
}

function count(drops: readonly DropAnswer[], verdict: string): number {
  return drops.filter((drop) => drop.verdict === verdict).length;
}

/** `4 dropped, 1 rejected, 2 failed, 0 undecided` */
export function tally(drops: readonly DropAnswer[]): string {
  const parts = [
    [count(drops, 'DROPPED'), 'dropped'],
    [count(drops, 'REJECTED'), 'rejected'],
    [count(drops, 'FAILED'), 'failed without a rule that stopped them'],
    [count(drops, 'UNKNOWN'), 'undecided'],
  ] as const;
  const told = parts.filter(([number], at) => number > 0 || at === 0);
  return told.map(([number, word]) => `${number} ${word}`).join(', ');
}

/** The list that a person reads: one drop, one sentence. */
export function printDrops(drops: readonly DropAnswer[], io: Io): void {
  for (const drop of drops) io.stdout(`${dropLine(drop)}\n`);
  io.stdout(`${tally(drops)}\n`);
}
