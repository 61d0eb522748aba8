import type { Coverage } from '@whydrop/contracts';
import type { Draft } from '../spool/spool.js';
import { type Emitter, rfc3339, wireBody } from './envelope.js';

const FORMAT = 'coverage';
/** What the kernel has handed out is with us within this time, in milliseconds. */
const SLACK_MS = 1_000;

/** Which channels were read without a gap, and until when that was said. A channel can have several readers. */
export class CoverageClock {
  private readonly readers = new Map<string, Map<string, number | undefined>>();
  private readonly said = new Map<string, number>();

  /** A reader reads its part of a channel without a gap from `since` on; undefined: it does not. */
  alive(reader: string, channel: string, since: number | undefined): void {
    const parts = this.readers.get(channel) ?? new Map<string, number | undefined>();
    this.readers.set(channel, parts.set(reader, since));
  }

  /** The channels that all of their readers read now, and since when. */
  channels(): readonly (readonly [channel: string, since: number])[] {
    return [...this.readers].flatMap(([channel, parts]) => {
      const since = [...parts.values()];
      const known = since.filter((each) => each !== undefined);
      return known.length === since.length ? [[channel, Math.max(...known)] as const] : [];
    });
  }

  /** What can be said at `now`: one batch per beginning. What was said is not said again, the next one joins on. */
  take(emitter: Emitter, now: number): readonly Draft[] {
    const to = now - SLACK_MS;
    const channels = new Map<number, string[]>();
    for (const [channel, since] of this.channels()) {
      const from = Math.max(since, this.said.get(channel) ?? since);
      if (from >= to) continue;
      channels.set(from, [...(channels.get(from) ?? []), channel]);
      this.said.set(channel, to);
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
  return { class: 'flows', stream: 'coverage', records: channels.length, from, to, covers: channels, body };
}
