import type { BatchHead, CheckpointHead, Cursor, RecordHead } from './record.js';

/** What a chain remembers of its streams beside the batches themselves. */
export class Ledger {
  private readonly sequences = new Map<string, number>();
  private readonly cursors = new Map<string, Cursor>();
  private readonly lastAt = new Map<string, number>();
  private readonly coveredTo = new Map<string, number>();

  constructor(public epoch: number) {}

  /** Takes over what a frame says; frames are told in the order in which they were written. */
  learn(head: RecordHead): void {
    if (head.kind === 'checkpoint') this.learnCheckpoint(head);
    else this.learnBatch(head);
  }

  private learnCheckpoint(head: CheckpointHead): void {
    this.epoch = head.epoch;
    this.sequences.clear();
    for (const [stream, next] of Object.entries(head.sequences)) this.sequences.set(stream, next);
    for (const [stream, cursor] of Object.entries(head.cursors)) this.cursors.set(stream, cursor);
    for (const [stream, at] of Object.entries(head.lastAt)) this.lastAt.set(stream, at);
    for (const [channel, to] of Object.entries(head.coveredTo ?? {})) this.coveredTo.set(channel, to);
  }

  private learnBatch(head: BatchHead): void {
    if (head.epoch === this.epoch) this.sequences.set(head.stream, head.sequence + 1);
    if (head.cursor) this.cursors.set(head.stream, head.cursor);
    this.lastAt.set(head.stream, head.to);
    for (const channel of head.covers ?? []) this.coveredTo.set(channel, head.to);
  }

  /** Numbers begin anew, under another epoch: what was numbered after some damage is not known. */
  restart(epoch: number): void {
    this.epoch = epoch;
    this.sequences.clear();
  }

  /** The number that a stream's next batch would have, by what is written. */
  next(stream: string): number {
    return this.sequences.get(stream) ?? 0;
  }

  cursor(stream: string): Cursor | undefined {
    return this.cursors.get(stream);
  }

  /** When a stream's last record on the disk was read, milliseconds since 1970. */
  last(stream: string): number | undefined {
    return this.lastAt.get(stream);
  }

  /** Until when a channel was read without a gap, milliseconds since 1970. */
  covered(channel: string): number | undefined {
    return this.coveredTo.get(channel);
  }

  /** Whether it is known of any channel: older collectors did not write it. */
  get tellsChannels(): boolean {
    return this.coveredTo.size > 0;
  }

  checkpoint(): CheckpointHead {
    return {
      kind: 'checkpoint',
      epoch: this.epoch,
      sequences: Object.fromEntries(this.sequences),
      cursors: Object.fromEntries(this.cursors),
      lastAt: Object.fromEntries(this.lastAt),
      coveredTo: Object.fromEntries(this.coveredTo),
    };
  }
}
