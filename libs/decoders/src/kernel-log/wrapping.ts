import { instantFromRfc3339, instantFromSeconds, MICROS_PER_SECOND } from '@whydrop/model';
import type { Instant } from '@whydrop/model';
import type { StreamContext } from '../decoder.js';
import { instantFromAsctime, instantOfWallClock, microsOfFraction, monthOf, yearNear } from '../local-time.js';

/** When a kernel message was logged, as its wrapping says it. */
export type LogTime =
  | { readonly clock: 'utc'; readonly at: Instant }
  /** Microseconds since the node booted. */
  | { readonly clock: 'boot'; readonly micros: number }
  /** asctime, local zone. */
  | { readonly clock: 'asctime'; readonly text: string }
  /** `Nov 20 22:49:49`: local zone, no year. */
  | {
      readonly clock: 'syslog';
      readonly month: number;
      readonly day: number;
      readonly hms: readonly [number, number, number];
    };

/** A kernel message and the time of its wrapping; `time` is undefined when nothing known stands in front. */
export interface Unwrapped {
  readonly time: LogTime | undefined;
  readonly message: string;
}

const PRIORITY = /^<\d{1,3}>/;
const DMESG_X = /^[a-z0-9]{1,10} *:[a-z]{1,8} *: /;
const BOOT = /^\[ {0,10}(\d{1,10})\.(\d{1,6})\] /;
const BRACKETED = /^\[([A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d{2}:\d{2}:\d{2} \d{4})\] /;
const KMSG = /^\d{1,4},\d{1,20},(\d{1,15}),[^;]{0,40};/;
const EPOCH = /^(\d{9,10}(?:\.\d{1,9})?)[ \t]/;
const ISO = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})) /;
const SYSLOG5424 = /^1 (\S{1,40}) \S{1,255} (\S{1,48}) \S{1,128} \S{1,32} (?:-|\[[^\]]{0,1000}\]) /;
const SYSLOG = /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) /;
const HOST_KERNEL = /^(?:\S{1,255} )?kernel: {0,1}/;

/** What follows a syslog-like stamp: host name, `kernel:`, boot time in brackets; each may be missing. */
function stripHost(text: string): string {
  const host = HOST_KERNEL.exec(text);
  if (!host) return text;
  const rest = text.slice(host[0].length);
  return rest.slice(BOOT.exec(rest)?.[0].length ?? 0);
}

function utc(at: Instant | undefined, message: string): Unwrapped | undefined {
  return at === undefined ? undefined : { time: { clock: 'utc', at }, message };
}

function bootWrapped(text: string): Unwrapped | undefined {
  const boot = BOOT.exec(text);
  if (boot) {
    const micros = Number(boot[1]) * MICROS_PER_SECOND + microsOfFraction(boot[2]);
    return { time: { clock: 'boot', micros }, message: text.slice(boot[0].length) };
  }
  const kmsg = KMSG.exec(text);
  return kmsg ? { time: { clock: 'boot', micros: Number(kmsg[1]) }, message: text.slice(kmsg[0].length) } : undefined;
}

function clockWrapped(text: string): Unwrapped | undefined {
  const epoch = EPOCH.exec(text);
  if (epoch) return utc(instantFromSeconds(epoch[1] ?? ''), stripHost(text.slice(epoch[0].length)));
  const iso = ISO.exec(text);
  if (iso) return utc(instantFromRfc3339(iso[1] ?? ''), stripHost(text.slice(iso[0].length)));
  const bracketed = BRACKETED.exec(text);
  if (!bracketed) return undefined;
  return { time: { clock: 'asctime', text: bracketed[1] ?? '' }, message: text.slice(bracketed[0].length) };
}

function syslogWrapped(text: string): Unwrapped | undefined {
  const modern = SYSLOG5424.exec(text);
  if (modern) {
    const rest = text.slice(modern[0].length);
    return utc(instantFromRfc3339(modern[1] ?? ''), rest.slice(BOOT.exec(rest)?.[0].length ?? 0));
  }
  const match = SYSLOG.exec(text);
  const month = monthOf(match?.[1] ?? '');
  if (!match || month === undefined) return undefined;
  const hms = [Number(match[3]), Number(match[4]), Number(match[5])] as const;
  return {
    time: { clock: 'syslog', month, day: Number(match[2]), hms },
    message: stripHost(text.slice(match[0].length)),
  };
}

/**
 * Takes the wrapping off a kernel message: dmesg (plain, `-T`, `-x`, `-r`, iso), /dev/kmsg, syslog (traditional,
 * RFC 3339, RFC 5424), journald short and iso, or an epoch time in front. Only what surely belongs to a wrapping is
 * taken off: a prefix may itself hold colons, brackets and blanks.
 */
export function unwrap(line: string): Unwrapped {
  const bare = line.slice((PRIORITY.exec(line) ?? DMESG_X.exec(line))?.[0].length ?? 0);
  return bootWrapped(bare) ?? clockWrapped(bare) ?? syslogWrapped(bare) ?? { time: undefined, message: line };
}

/** The instant of a wrapping, with what the stream knows: boot time, zone, year. Undefined when that does not suffice. */
export function instantOf(time: LogTime, context: StreamContext): Instant | undefined {
  switch (time.clock) {
    case 'utc':
      return time.at;
    case 'asctime':
      return instantFromAsctime(time.text, context.attributes['timezone']);
    case 'boot': {
      const boot = instantFromSeconds(context.attributes['bootTime'] ?? '');
      return boot === undefined ? undefined : boot + time.micros;
    }
    case 'syslog':
      return syslogInstant(time, context);
    default:
      return time satisfies never;
  }
}

function syslogInstant(time: LogTime & { clock: 'syslog' }, context: StreamContext): Instant | undefined {
  const [hour, minute, second] = time.hms;
  const clock = { month: time.month, day: time.day, hour, minute, second, micros: 0 };
  const written = context.attributes['year'];
  const near = context.observedTo ?? context.observedFrom;
  const year = written !== undefined && /^\d{4}$/.test(written) ? Number(written) : near && yearNear(clock, near);
  return year === undefined ? undefined : instantOfWallClock({ ...clock, year }, context.attributes['timezone']);
}
