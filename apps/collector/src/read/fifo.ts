import { constants } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { runTool } from './child.js';

/** What a pipe holds at most, on Linux. */
const CHUNK = 64 * 1024;
const MOST_AT_ONCE = 1024 * 1024;
/** A line that is longer goes out in pieces; the server rejects it with its number. */
const LONGEST_LINE = 1024 * 1024;

/**
 * A named pipe that a tool writes to line by line and that is emptied a few times a second: one read for hundreds of
 * lines, where a stream of Node wakes up for every line.
 */
export class Fifo {
  private rest: Buffer = Buffer.alloc(0);
  private readonly chunk = Buffer.allocUnsafe(CHUNK);

  private constructor(
    readonly path: string,
    private readonly reading: FileHandle,
  ) {}

  static async make(path: string): Promise<Fifo> {
    await rm(path, { force: true });
    await runTool(['mkfifo', '-m', '600', path]);
    return new Fifo(path, await open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  }

  /** An end for a child's stdout; closed here once the child has it. */
  writingEnd(): Promise<FileHandle> {
    return open(this.path, 'w');
  }

  /** The whole lines that have come since; empty when there are none. */
  async take(): Promise<Buffer> {
    const parts = [this.rest];
    for (let size = this.rest.length; size < MOST_AT_ONCE;) {
      const bytes = await this.read();
      if (bytes === 0) break;
      parts.push(Buffer.from(this.chunk.subarray(0, bytes)));
      size += bytes;
      if (bytes < CHUNK / 2) break;
    }
    const all = Buffer.concat(parts);
    const end = all.lastIndexOf(10) + 1;
    const cut = end === 0 && all.length > LONGEST_LINE ? all.length : end;
    this.rest = all.subarray(cut);
    return all.subarray(0, cut);
  }

  private async read(): Promise<number> {
    try {
      return (await this.reading.read(this.chunk, 0, CHUNK, null)).bytesRead;
    } catch (error) {
      // Nothing there now.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.reading.close();
    await rm(this.path, { force: true });
  }
}
