/** Told once a second, however often it is said. */
const QUIET_MS = 1_000;

export interface FloodParts {
  readonly now: () => number;
  /** Until when everything was read, in milliseconds since 1970; undefined: not known. */
  readonly readUntil: () => number | undefined;
  /** Tells a loss: what is missing lies between the two times. */
  readonly tell: (from: number, to: number, detail: string) => void;
  /** Something was said that is not told yet, or no longer. */
  readonly changed: () => void;
}

/**
 * Losses that a tool says, again and again in a flood: the first is told at once, what is said within the next second at
 * its end. Between them nothing may count as read.
 */
export class Flood {
  private toldTo = 0;
  /** Said and not told yet. */
  private detail: string | undefined;
  private quiet: NodeJS.Timeout | undefined;

  constructor(private readonly parts: FloodParts) {}

  /** Whether more was lost than is told. */
  get untold(): boolean {
    return this.detail !== undefined;
  }

  said(detail: string): void {
    this.detail = detail;
    if (this.quiet) this.parts.changed();
    else this.tell(detail, false);
  }

  /** `joins`: on to what was told before. */
  private tell(detail: string, joins: boolean): void {
    const now = this.parts.now();
    const read = Math.min(now - QUIET_MS, this.parts.readUntil() ?? now);
    // A clock that was put back may stand before what was told.
    const from = this.toldTo > now ? read : joins ? this.toldTo : Math.max(this.toldTo, read);
    this.toldTo = now;
    this.detail = undefined;
    this.parts.tell(from, now, detail);
    this.quiet = setTimeout(() => {
      this.quiet = undefined;
      if (this.detail !== undefined) this.tell(this.detail, true);
    }, QUIET_MS).unref();
  }

  /** Tells what is not told yet: nothing more is said. */
  end(): void {
    if (this.detail !== undefined) this.tell(this.detail, true);
    clearTimeout(this.quiet);
    this.quiet = undefined;
  }
}
