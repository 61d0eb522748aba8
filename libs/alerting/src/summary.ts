import type { Judgement } from './judge.js';
import { formatDuration } from './duration.js';
import type { Labels } from './mute.js';
import type { AlertRule } from './rule.js';

const number = (value: number) =>
  value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);

/** What is counted, in words. */
function unit(rule: AlertRule): string {
  if (!('measure' in rule)) return '';
  return {
    drops: 'blocked connections',
    attempts: 'blocked attempts',
    packets: 'blocked packets',
    counted: 'packets counted as dropped',
  }[rule.measure];
}

function condition(rule: AlertRule, { value, expected, slow, baseline }: Judgement): string {
  const warming = baseline?.state === 'WARMING' ? ' (the baseline is still warming up)' : '';
  switch (rule.kind) {
    case 'SPIKE':
      return `${number(value)} ${unit(rule)} in ${slow ? 'an hour' : 'a minute'} where ${number(expected ?? 0)} are usual${warming}`;
    case 'THRESHOLD':
      return `${number(value)} ${unit(rule)} in ${formatDuration(rule.window)}, more than ${number(rule.threshold)}`;
    case 'SILENCE':
      return `no ${unit(rule)} for ${formatDuration(rule.window)} where ${number(expected ?? 0)} are usual`;
    case 'NEW_PAIR':
      return `${number(value)} ${value === 1 ? 'pair' : 'pairs'} blocked that never were before`;
    case 'DRIFT':
      return `${number(value)} ${value === 1 ? 'difference' : 'differences'} between what policies say and what nodes run`;
    case 'COLLECTOR_GAP':
      return `no data for ${number(value)} minutes: nothing can be said about this node`;
  }
}

/** One line for a pager: what holds, of what, and what changed just before. A rule's own summary has `{{label}}` filled in. */
export function summaryOf(rule: AlertRule, labels: Labels, judgement: Judgement, changes: readonly string[]): string {
  const known: Readonly<Record<string, string>> = { ...labels, value: number(judgement.value) };
  if (rule.summary !== null)
    return rule.summary.replace(/\{\{ *([\w.]+) *\}\}/g, (_all, name: string) => known[name] ?? '');
  const of = Object.entries(labels).map(([name, value]) => `${name} ${value}`);
  const change = changes[0] === undefined ? '' : `; ${changes[0]}`;
  return `${condition(rule, judgement)}${of.length > 0 ? `: ${of.join(', ')}` : ''}${change}`;
}
