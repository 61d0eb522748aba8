import type { Instant } from '@whydrop/model';
import type { AlertRule } from './rule.js';

/** One condition of a silence: a label (or `rule`, `severity`, `cluster`) has this value, or matches this expression as a whole. */
export interface Matcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly author: string;
  readonly comment: string;
  readonly startsAt: Instant;
  readonly endsAt: Instant;
}

export type Labels = Readonly<Record<string, string>>;

/** An alert that fires now, as far as muting looks at it. */
export interface FiringAlert {
  readonly id: string;
  readonly ruleName: string;
  /** With `rule`, `severity` and `cluster` beside the labels of the series. */
  readonly labels: Labels;
}

/** Why nothing is told of an alert; null: it is told. */
export type Muted = { readonly by: 'silence' | 'inhibition'; readonly id: string } | null;

/** A missing label has the value ''. Expressions are anchored, as in Alertmanager. */
export function matches({ name, value, isRegex, isEqual }: Matcher, labels: Labels): boolean {
  const found = labels[name] ?? '';
  const same = isRegex ? new RegExp(`^(?:${value})$`).test(found) : found === value;
  return same === isEqual;
}

/** Whether a silence is in force at a moment and all of its matchers fit the labels. */
export function isSilencedBy(silence: Silence, labels: Labels, at: Instant): boolean {
  const inForce = silence.startsAt <= at && at < silence.endsAt;
  return inForce && silence.matchers.every((matcher) => matches(matcher, labels));
}

function inhibitor(rule: AlertRule, alert: FiringAlert, firing: readonly FiringAlert[]): FiringAlert | undefined {
  return rule.inhibitedBy
    .flatMap(({ rule: name, equal }) =>
      firing.filter(
        (other) =>
          other.ruleName === name &&
          other.id !== alert.id &&
          other.labels['cluster'] === alert.labels['cluster'] &&
          equal.every((label) => (other.labels[label] ?? '') === (alert.labels[label] ?? '')),
      ),
    )
    .at(0);
}

/** Whether an alert is told, given the silences and everything else that fires. */
export function mutedBy(
  rule: AlertRule,
  alert: FiringAlert,
  firing: readonly FiringAlert[],
  silences: readonly Silence[],
  at: Instant,
): Muted {
  const silence = silences.find((one) => isSilencedBy(one, alert.labels, at));
  if (silence) return { by: 'silence', id: silence.id };
  const other = inhibitor(rule, alert, firing);
  return other ? { by: 'inhibition', id: other.id } : null;
}
