import type { AlertMessage, NamedEnd, TrendPoint } from '@whydrop/alerting';
import type { Instant } from '@whydrop/model';

/** At most `most` UTF-16 units; what is cut ends with `…`, and no character is cut in two. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = most - 1;
  const unit = text.charCodeAt(end - 1);
  const isHalf = unit >= 0xd800 && unit < 0xdc00;
  return `${text.slice(0, isHalf ? end - 1 : end)}…`;
}

/** At most `most` bytes of UTF-8. */
export function cutBytes(text: string, most: number): string {
  let fits = cut(text, most);
  while (Buffer.byteLength(fits) > most) fits = cut(fits, fits.length - 1);
  return fits;
}

/** RFC 3339 in UTC with milliseconds. */
export function isoOf(instant: Instant): string {
  return new Date(Math.floor(instant / 1000)).toISOString();
}

export function endName({ namespace, name }: NamedEnd): string {
  return namespace === null ? name : `${namespace}/${name}`;
}

const BARS = '▁▂▃▄▅▆▇█';

/** The trend as one line of bars, its highest value full; `·` is where nobody looked. */
export function sparkline(trend: readonly TrendPoint[]): string {
  const highest = Math.max(1, ...trend.map(({ value }) => value ?? 0));
  return trend
    .map(({ value }) => (value === null ? '·' : BARS[Math.round((value / highest) * (BARS.length - 1))]))
    .join('');
}

/** `612 (usual 51)`. */
export function amount({ value, expected }: Pick<AlertMessage, 'value' | 'expected'>): string {
  const shown = (number: number) => String(Math.round(number * 10) / 10);
  return expected === null ? shown(value) : `${shown(value)} (usual ${shown(expected)})`;
}

function topText(top: AlertMessage['topSources']): string {
  return top.map(({ end, drops }) => `${endName(end)} (${drops})`).join(', ');
}

/** `Firing`, `Resolved` or `Test`, for people. */
export function statusWord({ status }: AlertMessage): string {
  return { firing: 'Firing', resolved: 'Resolved', test: 'Test' }[status];
}

/** Where a person looks further; undefined when nobody told our address. */
export function linkOf({ path }: AlertMessage, publicUrl: string | undefined): string | undefined {
  return publicUrl === undefined ? undefined : `${publicUrl}${path.startsWith('/') ? '' : '/'}${path}`;
}

/** What stands below the summary, a line each; nothing is said of what is not known. */
export function details(message: AlertMessage): readonly (readonly [string, string])[] {
  const { cause, policies, topSources, topDestinations, trend, changes } = message;
  const lines: readonly (readonly [string, string])[] = [
    ['Drops', amount(message)],
    ['Cause', cause ?? ''],
    ['Policies', policies.join(', ')],
    ['Top sources', topText(topSources)],
    ['Top destinations', topText(topDestinations)],
    ['Trend', sparkline(trend)],
    ['Changed before', changes.join('; ')],
  ];
  return lines.filter(([, text]) => text !== '');
}
