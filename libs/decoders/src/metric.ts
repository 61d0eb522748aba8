import type { MetricSample, Reject } from '@whydrop/model';
import type { StreamContext } from './decoder.js';
import { reject } from './lines.js';

/** A number with its name and labels, before the stream gives it a time. */
export interface RawSample {
  readonly name: string;
  readonly type: MetricSample['type'];
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Microseconds since 1970, where the line itself has a time. */
  readonly at: number | undefined;
  readonly raw: string;
  readonly line: number;
}

/** A sample in our words; its time is the line's own, else that of the scrape. */
export function metricOf(sample: RawSample, context: StreamContext): MetricSample | Reject {
  const observedAt = sample.at ?? context.observedFrom;
  if (observedAt === undefined) return reject('NO_TIME', sample.line, sample.raw, 'The sample has no time.');
  const { name, type, labels, value, raw, line } = sample;
  return { kind: 'metric', observedAt, name, type, labels, value, raw, line };
}
