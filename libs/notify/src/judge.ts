import type { Answer, Judgement } from './receiver.js';

const MOST_SECONDS = 24 * 3600;

/** Seconds that a `Retry-After` asks for, as a number or as a date; undefined when it says nothing. At most a day. */
export function retryAfterSeconds(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\s*\d+\s*$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000;
  return Number.isFinite(seconds) ? Math.min(MOST_SECONDS, Math.max(0, Math.ceil(seconds))) : undefined;
}

const WORTH_RETRYING: ReadonlySet<number> = new Set([408, 425, 429]);

/** What a status means, as Standard Webhooks 1.0 has it: 2xx is told, 410 wants nothing any more, a redirect is not followed. */
export function judgeStatus(answer: Answer, now: number): Judgement {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'dead', reason: 'answered 410: it wants no messages any more', disable: true };
  const afterSeconds = retryAfterSeconds(answer.retryAfter, now);
  if (status >= 300 && status < 400) {
    const to = answer.location === undefined ? '' : ` to ${answer.location.slice(0, 200)}`;
    const reason = `answered ${status}, a redirect${to}: redirects are not followed, name the last address itself`;
    return { kind: 'retry', reason, afterSeconds };
  }
  if (status >= 500 || WORTH_RETRYING.has(status)) return { kind: 'retry', reason: `answered ${status}`, afterSeconds };
  return { kind: 'dead', reason: `answered ${status}: it refuses this message`, disable: false };
}
