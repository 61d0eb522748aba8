import type { Source } from '../batch/source.js';
import type { Watch } from './reader.js';

/** Whoever was so long not at the end of a file does not know what the node said until now. */
const BEHIND_MS = 500;

export interface StandingParts {
  readonly source: Source;
  readonly path: string;
  readonly watch: Watch;
}

/** Whether a followed file was read to its end, and since when without a gap: what is said of its channel. */
export class Standing {
  private since: number | undefined;
  /** When everything had been read that was there: of the node's clock, and of the steady one. */
  private wellAt: number;
  private endAt = performance.now();

  constructor(
    private readonly parts: StandingParts,
    lastAt: number | undefined,
  ) {
    this.wellAt = lastAt ?? parts.watch.now();
  }

  /** There is something to read that was not read: silence says nothing. */
  behind(): void {
    const { watch, source } = this.parts;
    watch.alive(source.stream, source.channel, undefined);
  }

  /** Something was read. */
  reading(): void {
    if (performance.now() - this.endAt > BEHIND_MS) this.behind();
  }

  /** All is read that is there. */
  caughtUp(): void {
    const { watch, source } = this.parts;
    this.wellAt = watch.now();
    this.endAt = performance.now();
    this.since ??= this.wellAt;
    watch.alive(source.stream, source.channel, this.since);
  }

  /** It cannot be read: it is covered anew when it can be. */
  lose(): void {
    this.since = undefined;
    this.behind();
  }

  /** Something may be gone that came after all had been read. */
  gone(detail: string): void {
    const { watch, source, path } = this.parts;
    const now = watch.now();
    const facts = { stream: source.stream, channel: source.channel, from: this.wellAt, to: now };
    watch.lost({ ...facts, reason: 'SOURCE_GONE', detail: `${path}: ${detail}` });
    this.wellAt = now;
    this.since = now;
  }
}
