/** Something that reads until it is stopped. */
export interface Reader {
  readonly name: string;
  /** Why it does not read all that it should; the collector is not ready then. */
  readonly trouble?: string | undefined;
  start(): void;
  /** Takes one more picture now; only what takes pictures has it. */
  takeOne?(): Promise<void>;
  /** Resolves when nothing more comes. */
  stop(): Promise<void>;
}

/** What a reader lost; the collector makes a gap record of it. */
export interface Loss {
  readonly stream: string;
  readonly channel?: string | undefined;
  readonly reason: 'NOT_RUNNING' | 'EVENTS_LOST' | 'SOURCE_GONE' | 'SPOOL_DAMAGED';
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly records?: number;
  readonly detail?: string;
}

/** Where readers say what happens to them. */
export interface Watch {
  readonly now: () => number;
  lost(loss: Loss): void;
  /** From `since` on this reader reads its part of a channel without a gap; undefined: it does not. */
  alive(reader: string, channel: string | undefined, since: number | undefined): void;
  warn(reader: string, message: string): void;
}
