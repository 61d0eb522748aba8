import { open, type FileHandle } from 'node:fs/promises';
import { countLines } from '../batch/batcher.js';
import type { Piece } from '../batch/source.js';
import { type FollowCursor, findFollowed, signOf } from './follow-cursor.js';

const CHUNK = 256 * 1024;
/** A line that is longer is cut: the server rejects it with its number, and the file goes on. */
const LONGEST_LINE = 1024 * 1024;

/** What a look at a file brought: whole lines, nothing, or that it is not any more what it was. */
export type Look =
  { readonly kind: 'lines'; readonly piece: Piece } | { readonly kind: 'none' } | { readonly kind: 'cut' };

/** A file that is open, and how far it was read. */
export class FollowedFile {
  /** When it was last seen to grow, by the steady clock. */
  grewAt = performance.now();
  private size = 0;

  private constructor(
    private readonly file: FileHandle,
    private at: FollowCursor & { readonly mtimeMs: number },
    /** Nobody writes to it any more. */
    readonly settled: boolean,
  ) {}

  /** Opens a file at its beginning. */
  static async open(name: string): Promise<FollowedFile> {
    const file = await open(name, 'r');
    try {
      const { ino, mtimeMs } = await file.stat();
      const sign = (await signOf(file)) ?? { mark: '', markBytes: 0 };
      return new FollowedFile(file, { ino, mtimeMs, offset: 0, line: 1, ...sign }, false);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Opens the file that a cursor speaks of where it was read to; undefined when there is none any more. */
  static async find(name: string, cursor: FollowCursor): Promise<FollowedFile | undefined> {
    const file = await findFollowed(name, cursor);
    if (!file) return undefined;
    const { ino, mtimeMs } = await file.stat();
    // Under another inode it is a copy, and the one that was copied is written to.
    return new FollowedFile(file, { ...cursor, ino, mtimeMs }, ino !== cursor.ino);
  }

  get ino(): number {
    return this.at.ino;
  }

  get cursor(): FollowCursor & { readonly mtimeMs: number } {
    return this.at;
  }

  /** Gives the whole lines of the next piece; `last`: also what lacks its newline. */
  async look(last: boolean): Promise<Look> {
    const { size, mtimeMs } = await this.file.stat();
    if (size < this.at.offset) return { kind: 'cut' };
    if (size === this.size && mtimeMs === this.at.mtimeMs && size === this.at.offset) return { kind: 'none' };
    if (size !== this.size) this.grewAt = performance.now();
    this.size = size;
    const bytes = size > this.at.offset ? await this.read(last) : Buffer.alloc(0);
    // Behind the reading: what was cut and written anew meanwhile must not be taken for the rest.
    const sign = await signOf(this.file, this.at);
    if (!sign) return { kind: 'cut' };
    const firstLine = this.at.line;
    const lines = bytes.length === 0 ? 0 : Math.max(1, countLines(bytes));
    this.at = { ...this.at, ...sign, mtimeMs, offset: this.at.offset + bytes.length, line: firstLine + lines };
    if (lines === 0) return { kind: 'none' };
    return { kind: 'lines', piece: { bytes: Buffer.from(bytes), firstLine, cursor: { ...this.at } } };
  }

  /** Learns how it begins while it cannot be read: that tells later whether it was cut. */
  async glance(): Promise<void> {
    const sign = await signOf(this.file, this.at);
    if (sign) this.at = { ...this.at, ...sign };
  }

  private async read(last: boolean): Promise<Buffer> {
    const { buffer, bytesRead } = await this.file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, this.at.offset);
    const whole = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(10) + 1);
    if (whole.length > 0) return whole;
    const long = bytesRead === CHUNK ? await this.longLine() : whole;
    return last && long.length === 0 ? buffer.subarray(0, bytesRead) : long;
  }

  private async longLine(): Promise<Buffer> {
    const { buffer, bytesRead } = await this.file.read(
      Buffer.allocUnsafe(LONGEST_LINE),
      0,
      LONGEST_LINE,
      this.at.offset,
    );
    const end = buffer.subarray(0, bytesRead).indexOf(10) + 1;
    if (end > 0) return buffer.subarray(0, end);
    return bytesRead === LONGEST_LINE ? buffer : Buffer.alloc(0);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
