import type { Io } from '../io.js';
import { matcherText } from './matcher.js';
import type { AlertAnswer, EndAnswer, RuleAnswer, SilenceAnswer } from './query.js';

function stateOf({ state, mutedBy, levelShift }: AlertAnswer): string {
  if (levelShift) return 'resolved (usual now)';
  return mutedBy && state === 'FIRING' ? `firing (${mutedBy.by})` : state.toLowerCase();
}

function timesOf({ startsAt, endsAt }: AlertAnswer): string {
  return endsAt === null ? `since ${startsAt}` : `${startsAt} to ${endsAt}`;
}

export function printAlerts(alerts: readonly AlertAnswer[], io: Io): void {
  if (alerts.length === 0) io.stdout('no alerts\n');
  for (const alert of alerts) {
    io.stdout(`${alert.id}  ${alert.severity.toLowerCase()}  ${stateOf(alert)}  ${timesOf(alert)}\n`);
    io.stdout(`    ${alert.rule}: ${alert.summary}\n`);
  }
}

const BARS = ' ▁▂▃▄▅▆▇█';

/** One character a minute; `·` where nothing was covered. */
function trendText(trend: AlertAnswer['trend']): string {
  const most = Math.max(1, ...trend.map(({ value }) => value ?? 0));
  return trend.map(({ value }) => (value === null ? '·' : (BARS[Math.ceil((8 * value) / most)] ?? ' '))).join('');
}

const endText = ({ end, drops }: EndAnswer) =>
  `${end.namespace === null ? '' : `${end.namespace}/`}${end.name} (${Math.round(drops)})`;

export function printAlert(alert: AlertAnswer, io: Io): void {
  printAlerts([alert], io);
  const lines = [
    ['cluster', alert.cluster],
    ...alert.labels.map(({ name, value }) => [name, value]),
    ['why', alert.sentence ?? ''],
    ['policies', alert.policies.join(', ')],
    ['from', alert.topSources.map(endText).join(', ')],
    ['to', alert.topDestinations.map(endText).join(', ')],
    ['changes', alert.changes.join('; ')],
    ['last hour', trendText(alert.trend)],
    [
      'baseline',
      alert.baseline ? `${alert.baseline.state.toLowerCase()}, learnt from ${alert.baseline.samples} minutes` : '',
    ],
    ['told', alert.mutedBy ? `no: ${alert.mutedBy.by} ${alert.mutedBy.id}` : alert.notified ? 'yes' : 'not yet'],
  ] as const;
  for (const [name, text] of lines) if (text !== '') io.stdout(`    ${(name ?? '').padEnd(12)}${text}\n`);
}

export function printRules(rules: readonly RuleAnswer[], io: Io): void {
  for (const { name, kind, source, enabled, severity, firing } of rules) {
    const words = [
      enabled ? 'on ' : 'off',
      kind.padEnd(13),
      severity.toLowerCase().padEnd(8),
      source.toLowerCase().padEnd(7),
    ];
    io.stdout(`${words.join('  ')}  ${name}${firing > 0 ? `  (${firing} firing)` : ''}\n`);
  }
}

export function printSilences(silences: readonly SilenceAnswer[], io: Io): void {
  if (silences.length === 0) io.stdout('no silences\n');
  for (const { id, matchers, author, comment, startsAt, endsAt } of silences) {
    io.stdout(`${id}  ${startsAt} to ${endsAt}  ${author}: ${comment}\n`);
    io.stdout(`    ${matchers.map(matcherText).join(' ')}\n`);
  }
}
