import { CAUSES } from '@whydrop/model';
import { UsageError } from '../errors.js';
import { SERVER_OPTIONS } from '../server/connect.js';

/** What the list and the live feed of drops are both asked for by. */
export const WHICH_OPTIONS = {
  ...SERVER_OPTIONS,
  since: { type: 'string' },
  cluster: { type: 'string' },
  namespace: { type: 'string' },
  policy: { type: 'string' },
  cause: { type: 'string' },
  failed: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `--since 90s`, `5m`, `1h`, `7d`: seconds. */
export function secondsOf(text: string, option = '--since'): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError(`${option} ${text}: write it as 90s, 5m, 1h or 7d`);
  return Number(count) * (UNITS[unit] ?? 0);
}

/** `--cause`, as it is written in docs/causes.md. */
export function causeOf(text: string | undefined): string | undefined {
  if (text === undefined || Object.hasOwn(CAUSES, text)) return text;
  throw new UsageError(`--cause ${text}: is none of ${Object.keys(CAUSES).join(', ')}`);
}
