import type { Coverage } from '@whydrop/contracts';
import type { Draft } from '../spool/spool.js';
import { type Emitter, rfc3339, wireBody } from './envelope.js';

const FORMAT = 'coverage';
/** What the kernel has handed out is with us within this time, in milliseconds. */
const SLACK_MS = 1_000;

/** Which channels were read without a gap, and until when that was said. */
export class CoverageClock {
  private readonly since = new Map<string, number>();

  /** A channel is read without a gap from `since` on; undefined: it is not read. */
  alive(channel: string, since: number | undefined): void {
    if (since === undefined) this.since.delete(channel);
    else this.since.set(channel, since);
  }

  /** What can be said at `now`: one batch per beginning. What was said is not said again, the next one joins on. */
  take(emitter: Emitter, now: number): readonly Draft[] {
    const to = now - SLACK_MS;
    const channels = new Map<number, string[]>();
    for (const [channel, from] of this.since) {
      if (from >= to) continue;
      channels.set(from, [...(channels.get(from) ?? []), channel]);
      this.since.set(channel, to);
    }
    return [...channels].map(([from, names]) => coverageDraft(emitter, names, from, to));
  }
}

function coverageDraft(emitter: Emitter, channels: string[], from: number, to: number): Draft {
  const coverage: Coverage = { from: rfc3339(from), to: rfc3339(to), nodes: { [emitter.node ?? '']: channels } };
  const observed = { observedFrom: coverage.from, observedTo: coverage.to };
  const head = { version: 1 as const, ...emitter, stream: 'coverage', format: FORMAT, ...observed };
  const body: Draft['body'] = (number) => wireBody({ ...head, ...number }, Buffer.from(JSON.stringify(coverage)));
  // Behind everything it speaks of: the flows go last.
  return { class: 'flows', stream: 'coverage', records: channels.length, from, to, body };
}
