import type { RunResult } from './run.js';

function seconds(ms: number): string {
  if (ms === 0) return '-';
  return ms === Infinity ? 'hangs' : `${(ms / 1000).toFixed(1)} s`;
}

/** A run as a table in Markdown: a line for each kind of fault, then the count of the whole run. */
export function tableOf({ ordeal, verdict }: RunResult): string {
  const head = ['fault', 'count', 'records sent meanwhile', 'slowest recovery alone', 'slowest recovery'];
  const rows = [...ordeal.suffered.values()]
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ name, count, sent, slowestMs, slowestAloneMs }) => [
      name,
      String(count),
      String(sent),
      seconds(slowestAloneMs),
      seconds(slowestMs),
    ]);
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const { sent, stored, duplicated, lost, rejected, gaps } = verdict;
  const total = [
    '| sent | stored | duplicated | lost | rejected | covered by a gap record |',
    '| --- | --- | --- | --- | --- | --- |',
    `| ${sent} | ${stored} | ${duplicated.length} | ${lost.length} | ${rejected} | ${gaps} |`,
  ];
  return [...lines, '', ...total].join('\n');
}
