import { open, stat, type FileHandle } from 'node:fs/promises';
import { countLines } from '../batch/batcher.js';
import type { Sink, Source } from '../batch/source.js';
import type { Cursor } from '../spool/record.js';
import { findFollowed, followCursor, signOf, type FollowCursor } from './follow-cursor.js';
import type { Reader, Watch } from './reader.js';

export interface FollowOptions {
  readonly source: Source;
  readonly path: string;
  readonly sink: Sink;
  readonly watch: Watch;
  /** From the spool: reading goes on behind what is on the disk already. */
  readonly cursor: Cursor | undefined;
  readonly pollMs?: number;
}

const CHUNK = 256 * 1024;
/** A line that is longer is cut: the server rejects it with its number, and the file goes on. */
const LONGEST_LINE = 1024 * 1024;

interface Open {
  readonly file: FileHandle;
  readonly ino: number;
  offset: number;
  line: number;
}

/**
 * Reads a log file as it grows, each line once: the position goes to the disk together with the lines. Rotation is
 * followed (renamed, copied and cut); what went away unread is a gap.
 */
export class FileFollower implements Reader {
  private at: Open | undefined;
  private stopped = false;
  private loop: Promise<void> = Promise.resolve();
  private lastReadAt: number;

  constructor(private readonly options: FollowOptions) {
    this.lastReadAt = options.watch.now();
  }

  get name(): string {
    return this.options.source.stream;
  }

  start(): void {
    this.loop = this.run();
  }

  private async run(): Promise<void> {
    const { watch, source } = this.options;
    try {
      await this.resume(followCursor(this.options.cursor));
    } catch (error) {
      watch.warn(this.name, (error as Error).message);
    }
    watch.alive(this.name, source.channel, watch.now());
    while (!this.stopped) {
      try {
        if (!(await this.step())) await pause(this.options.pollMs ?? 100);
      } catch (error) {
        watch.warn(this.name, (error as Error).message);
        await pause(1_000);
      }
    }
    await this.at?.file.close();
  }

  private async resume(cursor: FollowCursor | undefined): Promise<void> {
    if (!cursor) return;
    const file = await findFollowed(this.options.path, cursor);
    if (file) this.at = { file, ino: (await file.stat()).ino, offset: cursor.offset, line: cursor.line };
    else if (cursor.offset > 0) this.gone('it is not there any more');
  }

  private gone(detail: string): void {
    const { watch, source, path } = this.options;
    const now = watch.now();
    const facts = { stream: source.stream, channel: source.channel, from: this.lastReadAt, to: now };
    watch.lost({ ...facts, reason: 'SOURCE_GONE', detail: `${path}: ${detail}` });
    watch.alive(this.name, source.channel, now);
  }

  /** Reads what is there; false when there was nothing. */
  private async step(): Promise<boolean> {
    if (this.options.sink.full) {
      await Promise.race([this.options.sink.room(), pause(200)]);
      return true;
    }
    this.at ??= await this.openFirst();
    if (!this.at) return false;
    const { size } = await this.at.file.stat();
    if (size < this.at.offset) return this.cut();
    if (size > this.at.offset && (await this.read(this.at, false))) return true;
    return this.followRotation(this.at);
  }

  private async openFirst(): Promise<Open | undefined> {
    const file = await open(this.options.path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return file && { file, ino: (await file.stat()).ino, offset: 0, line: 1 };
  }

  /** Gives on the whole lines of the next piece; `last`: also what lacks its newline. */
  private async read(at: Open, last: boolean): Promise<boolean> {
    const { buffer, bytesRead } = await at.file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at.offset);
    let bytes: Buffer = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(10) + 1);
    if (bytes.length === 0 && bytesRead > 0 && (last || bytesRead === CHUNK)) {
      bytes = last ? buffer.subarray(0, bytesRead) : await this.longLine(at);
    }
    if (bytes.length === 0) return false;
    const firstLine = at.line;
    at.offset += bytes.length;
    at.line += Math.max(1, countLines(bytes));
    this.lastReadAt = this.options.watch.now();
    const { ino, offset, line } = at;
    const cursor: FollowCursor = { ino, offset, line, ...(await signOf(at.file, offset)) };
    this.options.sink.lines(this.options.source, { bytes: Buffer.from(bytes), firstLine, cursor: { ...cursor } });
    return true;
  }

  private async longLine(at: Open): Promise<Buffer> {
    const { buffer, bytesRead } = await at.file.read(Buffer.allocUnsafe(LONGEST_LINE), 0, LONGEST_LINE, at.offset);
    const end = buffer.subarray(0, bytesRead).indexOf(10) + 1;
    if (end > 0) return buffer.subarray(0, end);
    return bytesRead === LONGEST_LINE ? buffer : Buffer.alloc(0);
  }

  private async cut(): Promise<boolean> {
    this.gone('it was cut before it was read to its end');
    await this.at?.file.close();
    this.at = undefined;
    return true;
  }

  private async followRotation(at: Open): Promise<boolean> {
    const now = await stat(this.options.path).catch(() => undefined);
    if (!now || now.ino === at.ino) return false;
    // Whoever renamed it may still have written to it.
    while (await this.read(at, true)) continue;
    await at.file.close();
    this.at = undefined;
    return true;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
