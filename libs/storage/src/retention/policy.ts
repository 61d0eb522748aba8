/** How long each kind of data is kept, in days. */
export interface RetentionPolicy {
  /** Flows, packet logs, snapshots, samples, verdicts; drops and counted windows. */
  readonly raw: number;
  /** Roll-ups, level by level. */
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  /** Groups, after they were last seen. */
  readonly groups: number;
  /** Batches as they came in, after they were worked through; at least as long as the days that their rows are in. */
  readonly batches: number;
}

export const DEFAULT_RETENTION: RetentionPolicy = { raw: 7, minute: 14, hour: 120, day: 800, groups: 800, batches: 7 };

/** What WHYDROP_RETENTION_* say cannot be followed; the message names the variable. */
export class RetentionError extends Error {
  override readonly name = 'RetentionError';
}

function daysOf(name: string, text: string): number {
  const days = /^(\d{1,5})d?$/.exec(text)?.[1];
  if (days === undefined || Number(days) === 0) {
    throw new RetentionError(`${name}: "${text}" is no number of days such as 14d`);
  }
  return Number(days);
}

/** Reads WHYDROP_RETENTION_RAW, _MINUTE, _HOUR, _DAY, _GROUPS and _BATCHES: whole days, `14` or `14d`. */
export function parseRetention(environment: Readonly<Record<string, string | undefined>>): RetentionPolicy {
  const entries = Object.entries(DEFAULT_RETENTION).map(([kind, days]: [string, number]) => {
    const name = `WHYDROP_RETENTION_${kind.toUpperCase()}`;
    const text = environment[name];
    return [kind, text === undefined || text === '' ? days : daysOf(name, text)];
  });
  const policy = Object.fromEntries(entries) as RetentionPolicy;
  // Correlation takes the text of its evidence from the batches.
  if (policy.batches < policy.raw) {
    throw new RetentionError('WHYDROP_RETENTION_BATCHES must not be less than WHYDROP_RETENTION_RAW');
  }
  return policy;
}
