/** What goes first when there is much to send, and last when the spool is full. */
export const SPOOL_CLASSES = ['control', 'drops', 'counters', 'flows'] as const;
export type SpoolClass = (typeof SPOOL_CLASSES)[number];

/** Where a source was when a batch was read: opaque here, JSON. */
export type Cursor = Readonly<Record<string, unknown>>;

/** Head of a batch in the spool. */
export interface BatchHead {
  readonly kind: 'batch';
  readonly stream: string;
  readonly epoch: number;
  readonly sequence: number;
  /** Records in it, for the report when it has to be dropped. */
  readonly records: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly channel?: string;
  /** Number of the batch that it is told by; absent: it is whole. */
  readonly base?: number;
  /** Where the source stands behind this batch: it counts as read once the batch is on the disk. */
  readonly cursor?: Cursor;
  /** Channels that were read without a gap until `to`; absent in what older collectors wrote. */
  readonly covers?: readonly string[];
}

/** First frame of every segment: everything the older ones are needed for, so that they may go. */
export interface CheckpointHead {
  readonly kind: 'checkpoint';
  readonly epoch: number;
  /** Next number of each stream. */
  readonly sequences: Readonly<Record<string, number>>;
  readonly cursors: Readonly<Record<string, Cursor>>;
  /** Time of each stream's last record, milliseconds since 1970. */
  readonly lastAt: Readonly<Record<string, number>>;
  /** Until when each channel was read without a gap; absent in what older collectors wrote. */
  readonly coveredTo?: Readonly<Record<string, number>>;
}

export type RecordHead = BatchHead | CheckpointHead;

/** Whether a frame's head is one of ours: the sum fits, but an older or newer program may have written it. */
export function isRecordHead(head: unknown): head is RecordHead {
  const kind = (head as { kind?: unknown } | null)?.kind;
  return kind === 'batch' || kind === 'checkpoint';
}
