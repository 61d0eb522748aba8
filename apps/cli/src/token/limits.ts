import { isRole, limitsFault, ROLES, type NewToken } from '@whydrop/storage';
import { UsageError } from '../errors.js';

/** What `token create` was given, as words. */
export interface TokenWords {
  readonly name?: string | undefined;
  readonly role?: string | undefined;
  readonly cluster?: string | undefined;
  readonly node?: string | undefined;
  /** `a,b` */
  readonly namespace?: string | undefined;
  /** `90d`, `12h`, or a time: `2027-01-31T00:00:00Z` */
  readonly expires?: string | undefined;
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** When `90d` from now is, or what time the text says. Throws when it says neither, or what is over. */
function expiryOf(text: string, now: number): Date {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const at = count === undefined ? Date.parse(text) : now + Number(count) * (UNITS[unit] ?? 0);
  if (Number.isNaN(at)) throw new UsageError(`--expires ${text}: give 30m, 12h, 90d or a time (2027-01-31T00:00:00Z)`);
  if (at <= now) throw new UsageError(`--expires ${text}: it would be over`);
  return new Date(at);
}

/** The token to make. Throws a usage error that names the option at fault. */
export function newTokenOf(words: TokenWords, now: number): NewToken {
  const { name, role, cluster, node, namespace, expires } = words;
  if (name === undefined || role === undefined) throw new UsageError('give --name and --role');
  if (!isRole(role)) throw new UsageError(`--role ${role}: must be one of ${ROLES.join(', ')}`);
  const namespaces = namespace?.split(',').map((each) => each.trim());
  const fault = limitsFault(role, { cluster, node, namespaces });
  if (fault !== undefined) throw new UsageError(`--role ${role}: ${fault}`);
  const expiresAt = expires === undefined ? undefined : expiryOf(expires, now);
  return { name, role, cluster, node, namespaces, expiresAt };
}
