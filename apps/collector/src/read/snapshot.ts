import { createHash } from 'node:crypto';
import type { Sink, Source } from '../batch/source.js';
import type { Reader, Watch } from './reader.js';

export interface SnapshotOptions {
  readonly source: Omit<Source, 'stream'>;
  /** The stream's name. */
  readonly name: string;
  readonly sink: Sink;
  readonly watch: Watch;
  readonly intervalMs: number;
  /** Undefined when there is nothing to ship. */
  readonly take: () => Promise<Buffer | undefined>;
  /** Shipped when it is not what was shipped last, and every so many milliseconds. Absent: always. */
  readonly unchangedMs?: number;
  /** Leaves out of the comparison what changes by itself. */
  readonly essence?: (text: string) => string;
}

/** Takes a picture of something every few seconds: rules with their counters, sets, routes, … */
export class SnapshotReader implements Reader {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private stopped = false;
  private shipped: { readonly hash: string; readonly at: number } | undefined;
  private failing: boolean | undefined;
  trouble: string | undefined;

  constructor(private readonly options: SnapshotOptions) {}

  get name(): string {
    return this.options.name;
  }

  start(): void {
    const tick = (): void => {
      if (this.stopped) return;
      const begun = performance.now();
      this.working = this.takeOne().finally(() => {
        // The pictures' distance is that of their beginnings, however long one takes.
        const wait = Math.max(50, this.options.intervalMs - (performance.now() - begun));
        if (!this.stopped) this.timer = setTimeout(tick, wait);
      });
    };
    tick();
  }

  /** Takes a picture now, beside those of the clock. */
  async takeOne(): Promise<void> {
    const { watch, sink, source } = this.options;
    if (sink.full) return;
    // Before the command runs: what it shows is not older.
    const at = watch.now();
    try {
      const payload = await this.options.take();
      if (payload && payload.length > 0 && this.isNews(payload, at)) {
        sink.snapshot({ ...source, stream: this.name }, payload, at);
      }
      if (this.failing !== false) watch.alive(this.name, source.channel, at);
      this.failing = false;
      this.trouble = undefined;
    } catch (error) {
      if (this.failing !== true) watch.warn(this.name, (error as Error).message);
      this.failing = true;
      this.trouble = `${this.name}: ${(error as Error).message}`;
      watch.alive(this.name, source.channel, undefined);
    }
  }

  private isNews(payload: Buffer, at: number): boolean {
    const { unchangedMs, essence } = this.options;
    if (unchangedMs === undefined) return true;
    const hash = createHash('sha1')
      .update(essence ? essence(payload.toString()) : payload)
      .digest('hex');
    const { shipped } = this;
    // A clock that was put back says nothing of how long ago that was.
    if (shipped?.hash === hash && at >= shipped.at && at - shipped.at < unchangedMs) return false;
    this.shipped = { hash, at };
    return true;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }
}
