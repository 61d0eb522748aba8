import type { MetricSample, Reject } from '@whydrop/model';
import type { Decoder, StreamContext } from '../decoder.js';
import { decodeLines, reject } from '../lines.js';
import type { Line } from '../lines.js';
import { instantOfMicros } from '../local-time.js';
import { metricOf } from '../metric.js';
import type { RawSample } from '../metric.js';

const NAME = /^[A-Za-z_:][A-Za-z0-9_:]{0,255}/;
const LABEL = /^\s{0,8}([A-Za-z_][A-Za-z0-9_]{0,127})\s{0,8}=\s{0,8}"/;
const TYPE = /^# TYPE (\S{1,256}) (counter|gauge|histogram|summary|untyped|unknown)\s*$/;
const MAX_LABELS = 200;

type MetricType = MetricSample['type'];

/** Reads the text between quotes from `from` on: `\\`, `\"` and `\n` are escaped. */
function quoted(text: string, from: number): { value: string; end: number } | undefined {
  let value = '';
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '"') return { value, end: i + 1 };
    if (c !== '\\') value += c;
    else value += text[++i] === 'n' ? '\n' : (text[i] ?? '');
  }
  return undefined;
}

/** Reads `{a="b",c="d"}` from the opening brace on; undefined when it is not closed. */
function labelsOf(text: string, from: number): { labels: Record<string, string>; end: number } | undefined {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  let at = from + 1;
  for (let i = 0; i < MAX_LABELS; i++) {
    while (text[at] === ',' || text[at] === ' ') at++;
    if (text[at] === '}') return { labels: { ...labels }, end: at + 1 };
    const label = LABEL.exec(text.slice(at, at + 300));
    const value = label ? quoted(text, at + label[0].length) : undefined;
    if (!label || !value) return undefined;
    labels[label[1] ?? ''] = value.value;
    at = value.end;
  }
  return undefined;
}

/** Go's spelling of numbers. */
function valueOf(text: string): number | undefined {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (text === 'NaN') return Number.NaN;
  return /^[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})(e[+-]?\d{1,4})?$/i.test(text) ? Number(text) : undefined;
}

/** Milliseconds in the Prometheus format, seconds with decimals in OpenMetrics. */
function timeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}(\.\d{1,9})?$/.test(text)) return undefined;
  return instantOfMicros(Math.round(text.includes('.') ? Number(text) * 1e6 : Number(text) * 1000));
}

/** Type of the family a series belongs to: `x_bucket` belongs to histogram `x`, `x_total` to counter `x`. */
function typeOf(name: string, types: ReadonlyMap<string, MetricType>): MetricType {
  const own = types.get(name) ?? types.get(name.replace(/_(total|bucket|sum|count|created)$/, ''));
  return own ?? 'untyped';
}

function readSample(line: Line, types: ReadonlyMap<string, MetricType>): RawSample | Reject {
  const { text } = line;
  const refuse = (detail: string): Reject => reject('UNKNOWN_SYNTAX', line.number, text, detail);
  const name = NAME.exec(text)?.[0];
  if (name === undefined) return refuse('Expected the name of a metric.');
  const brace = text[name.length] === '{' ? labelsOf(text, name.length) : { labels: {}, end: name.length };
  if (!brace) return reject('TRUNCATED', line.number, text, 'The labels are not closed.');
  const rest = text.slice(brace.end).split(' # ', 1)[0] ?? '';
  const words = rest.trim().split(/\s+/);
  const value = valueOf(words[0] ?? '');
  if (value === undefined) return reject('BAD_VALUE', line.number, text, 'Expected a number behind the name.');
  return {
    name,
    type: typeOf(name, types),
    labels: brace.labels,
    value,
    at: timeOf(words[1]),
    raw: text,
    line: line.number,
  };
}

function decode(payload: string, context: StreamContext): Iterable<RawSample | Reject> {
  const types = new Map<string, MetricType>();
  return decodeLines(payload, context, (line) => {
    if (!line.text.startsWith('#')) return readSample(line, types);
    const declared = TYPE.exec(line.text);
    if (declared) types.set(declared[1] ?? '', declared[2] === 'unknown' ? 'untyped' : (declared[2] as MetricType));
    return undefined;
  });
}

export const prometheusText: Decoder<RawSample> = {
  format: 'prometheus-text',
  doc: 'a scrape in the Prometheus or OpenMetrics text format: weave-npc, Felix, Azure NPM (prometheus `docs/instrumenting/exposition_formats`)',
  decode,
  normalise: metricOf,
};
