import type { Cursor, SpoolClass } from '../spool/record.js';

/** A stream of records: what is known of it before it is read. */
export interface Source {
  /** Name of the stream within the node, like a file of a bundle. */
  readonly stream: string;
  readonly format: string;
  readonly class: SpoolClass;
  /** The channel whose coverage this stream gives. */
  readonly channel?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Some whole lines of a stream. */
export interface Piece {
  readonly bytes: Buffer;
  /** Number of the first line in its file, from 1. */
  readonly firstLine?: number;
  /** Where the source stands behind them. */
  readonly cursor?: Cursor;
}

/** What every reader gives its records to. */
export interface Sink {
  /** Takes whole lines of a log. */
  lines(source: Source, piece: Piece): void;
  /** Takes one snapshot as a whole. `at`: before the command ran, milliseconds since 1970. */
  snapshot(source: Source, payload: Buffer, at: number): void;
  /** Resolves when more may be read: at once, unless the disk does not take what was read before. */
  room(): Promise<void>;
  /** Whether `room` would wait. */
  readonly full: boolean;
}
