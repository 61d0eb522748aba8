import type { Sink, Source } from '../batch/source.js';
import type { Past } from '../readers.js';
import type { KnownObjects } from './known.js';
import type { ToldChange } from './told.js';

/** How often it is looked whether there is room again. */
const ROOM_MS = 250;
/** So much may wait in memory to be known on the disk. */
const WAITING_BYTES = 8 * 1024 * 1024;

export interface OutboxParts {
  readonly sink: Sink;
  readonly past: Pick<Past, 'held'>;
  /** Nothing more is read while the spool holds as much: changes of objects are never dropped from it. */
  readonly maxBytes: number;
}

/**
 *   watches ── changes ──▶ known on the disk ──▶ sink
 *      ▲ wait for room          │
 *      └────────────────────────┘
 * First known, then told: an object that was told and is not known could never be told as deleted.
 */
export class Outbox {
  private telling: Promise<void> = Promise.resolve();
  /** Bytes of records that wait to be known on the disk. */
  private untold = 0;

  constructor(
    private readonly source: Source,
    private readonly known: KnownObjects,
    private readonly parts: OutboxParts,
  ) {}

  get empty(): boolean {
    return this.untold === 0;
  }

  get trouble(): string | undefined {
    if (this.known.trouble) return `what was told cannot be kept: ${this.known.trouble.message}`;
    return this.spoolFull ? 'the spool has no room; the watches wait' : undefined;
  }

  tell(changes: readonly ToldChange[]): void {
    const pieces = changes.map(({ n, type, at, object }) => {
      const line = JSON.stringify({ at: new Date(at).toISOString(), type, object });
      return { bytes: Buffer.from(`${line}\n`), cursor: { n } };
    });
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
    if (bytes === 0) return;
    this.untold += bytes;
    this.telling = this.telling.then(async () => {
      await this.known.kept();
      for (const piece of pieces) this.parts.sink.lines(this.source, piece);
      this.untold -= bytes;
    });
  }

  /** Resolves when everything is told; never, while the disk does not take it. */
  told(): Promise<void> {
    return this.telling;
  }

  private get spoolFull(): boolean {
    return this.parts.sink.full || this.parts.past.held() >= this.parts.maxBytes;
  }

  private get full(): boolean {
    const { past, maxBytes } = this.parts;
    const waiting = this.untold > WAITING_BYTES || past.held() + this.untold >= maxBytes;
    return waiting || this.spoolFull || this.known.trouble !== undefined;
  }

  /** Resolves when more may be read, or nothing will be; undefined when it may be now. */
  room(end: AbortSignal): Promise<void> | undefined {
    return this.full ? this.untilRoom(end) : undefined;
  }

  private async untilRoom(end: AbortSignal): Promise<void> {
    while (this.full && !end.aborted) await new Promise((resolve) => setTimeout(resolve, ROOM_MS));
  }
}
