import type { GroupEnd, PolicyName } from '../api/types';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `20 Nov 14:02:11`, in UTC. */
export function shortTime(rfc3339: string): string {
  const at = new Date(rfc3339);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()] ?? ''} ${rfc3339.slice(11, 19)}`;
}

/** `20 Nov 14:02:11 to 14:05:14`, in UTC. */
export function timeSpan(from: string, to: string): string {
  if (from === to) return shortTime(from);
  return `${shortTime(from)} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11, 19) : shortTime(to)}`;
}

export function policyName({ namespace, name }: PolicyName): string {
  return namespace === null ? name : `${namespace}/${name}`;
}

export function endName({ kind, namespace, name }: GroupEnd): string {
  if (kind.toLowerCase() === 'node') return `node ${name}`;
  return namespace === null ? name : `${namespace}/${name}`;
}

/** `:80/TCP`, or `/ICMP` where there is no port. */
export function portName(port: number | null, protocol: string): string {
  return port === null ? ` ${protocol}` : `:${port}/${protocol}`;
}

/** `POLICY_DEFAULT_DENY` as `policy default deny`. */
export function plain(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

export function count(n: number | string, one: string, many = `${one}s`): string {
  return `${n} ${String(n) === '1' ? one : many}`;
}
