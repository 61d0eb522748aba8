import type { Cursor } from '../spool/record.js';
import type { Draft, Numbers, Spool } from '../spool/spool.js';
import type { Bases } from './bases.js';
import { type Emitter, rfc3339, wireBody } from './envelope.js';
import type { Piece, Sink, Source } from './source.js';

export interface BatcherOptions {
  readonly emitter: Emitter;
  readonly spool: Spool;
  /** What pictures are told by. */
  readonly bases: Bases;
  /** What was read is on the disk within so many milliseconds. */
  readonly flushMs: number;
  readonly now: () => number;
  readonly onCommit?: () => void;
  readonly onTrouble?: (error: Error) => void;
  readonly onRecords?: (source: Source, records: number) => void;
}

interface Pending {
  readonly source: Source;
  readonly pieces: Buffer[];
  readonly from: number;
  readonly firstLine: number;
  bytes: number;
  records: number;
  to: number;
  cursor: Cursor | undefined;
}

/** A batch is closed when it holds this much. */
const BATCH_BYTES = 512 * 1024;
/** So much may wait in memory for the disk; then nothing is read any more. */
const WAITING_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 500;
/** What belongs together comes within this. */
const SOON_MS = 5;

/** Records in a payload: its lines. */
export function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

/** Makes batches of what the readers bring, by size and time, and brings them to the disk. */
export class Batcher implements Sink {
  private readonly pending = new Map<string, Pending>();
  private pendingBytes = 0;
  private timer: NodeJS.Timeout | undefined;
  /** When the timer goes off, and when it went off last. */
  private dueAt = Infinity;
  private flushedAt = -Infinity;
  private committing: Promise<void> | undefined;
  private readonly waiters = new Set<() => void>();

  constructor(private readonly options: BatcherOptions) {}

  get full(): boolean {
    return this.options.spool.trouble !== undefined || this.pendingBytes + this.options.spool.unwritten > WAITING_BYTES;
  }

  room(): Promise<void> {
    return this.full ? new Promise((resolve) => this.waiters.add(resolve)) : Promise.resolve();
  }

  lines(source: Source, { bytes, firstLine = 1, cursor }: Piece): void {
    const at = this.options.now();
    const known = this.pending.get(source.stream);
    const fresh = { source, pieces: [], from: at, firstLine, bytes: 0, records: 0, to: at, cursor: undefined };
    const open: Pending = known ?? fresh;
    if (!known) this.pending.set(source.stream, open);
    open.pieces.push(bytes);
    open.bytes += bytes.length;
    const records = countLines(bytes);
    open.records += records;
    open.to = Math.max(open.from, at);
    open.cursor = cursor ?? open.cursor;
    this.pendingBytes += bytes.length;
    this.options.onRecords?.(source, records);
    if (open.bytes >= BATCH_BYTES) this.seal(open);
    this.later(source.class === 'drops');
  }

  snapshot(source: Source, payload: Buffer, at: number): void {
    const { payload: bytes, base, numbered } = this.options.bases.tell(source, payload, at);
    numbered(this.add({ source, payload: bytes, records: 1, from: at, to: at, firstLine: 1, cursor: undefined }, base));
    this.options.onRecords?.(source, 1);
    this.later();
  }

  private seal(open: Pending): void {
    this.pending.delete(open.source.stream);
    this.pendingBytes -= open.bytes;
    this.add({ ...open, payload: Buffer.concat(open.pieces) });
  }

  private add(batch: Omit<Pending, 'pieces' | 'bytes'> & { readonly payload: Buffer }, base?: number): Numbers {
    const { source, payload, records, from, to, cursor } = batch;
    const { stream, format, attributes = {} } = source;
    const observed = { observedFrom: rfc3339(from), observedTo: rfc3339(to) };
    const by = base === undefined ? {} : { base };
    const common = { version: 1 as const, ...this.options.emitter, stream, format, attributes, ...observed, ...by };
    const draft: Draft = {
      class: source.class,
      stream,
      ...(source.channel === undefined ? {} : { channel: source.channel }),
      records,
      from,
      to,
      ...(cursor === undefined ? {} : { cursor }),
      ...by,
      body: (number) => wireBody({ ...common, ...number, firstLine: batch.firstLine }, payload),
    };
    return this.options.spool.add(draft);
  }

  /** `soon`: drops wait only while a flush was just now, so that one alone is on its way at once and many are no more batches. */
  private later(soon = false): void {
    const { flushMs } = this.options;
    const now = performance.now();
    const dueAt = soon ? Math.max(now + SOON_MS, this.flushedAt + flushMs) : now + flushMs;
    if (this.timer && this.dueAt <= dueAt) return;
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = setTimeout(() => void this.flush().catch(() => undefined), dueAt - now);
  }

  /** Everything that was read is on the disk when this resolves; it rejects when the disk does not take it now. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushedAt = performance.now();
    for (const open of [...this.pending.values()]) this.seal(open);
    this.committing ??= this.commit().finally(() => (this.committing = undefined));
    await this.committing;
    if (this.options.spool.unwritten > 0) await this.flush();
  }

  private async commit(): Promise<void> {
    const { spool, onCommit, onTrouble } = this.options;
    try {
      await spool.commit();
      onCommit?.();
    } catch (error) {
      onTrouble?.(error as Error);
      this.timer ??= setTimeout(() => void this.flush().catch(() => undefined), RETRY_MS);
      throw error;
    }
    if (this.full) return;
    for (const resolve of this.waiters) resolve();
    this.waiters.clear();
  }
}
