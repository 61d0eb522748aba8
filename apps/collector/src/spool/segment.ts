import { open, unlink, type FileHandle } from 'node:fs/promises';
import { readFrame, readFrames, type Damage } from './frame.js';
import { isRecordHead, type BatchHead, type CheckpointHead } from './record.js';

/** A batch in a segment, and how far it is on its way. */
export interface Entry {
  readonly head: BatchHead;
  readonly offset: number;
  readonly length: number;
  state: 'waiting' | 'sent' | 'acknowledged';
}

/** One append-only file of a chain. */
export class Segment {
  /** Bytes that are surely on the disk. */
  size = 0;
  /** Batches that nobody has acknowledged. */
  open = 0;
  sealed = false;
  /** Undefined while nobody sends from it: a full spool has hundreds of thousands of batches. */
  entries: Entry[] | undefined;
  private handle: FileHandle | undefined;

  constructor(
    readonly id: number,
    readonly path: string,
  ) {}

  async file(): Promise<FileHandle> {
    this.handle ??= await open(this.path, this.sealed ? 'r' : 'r+');
    return this.handle;
  }

  async create(): Promise<void> {
    this.handle = await open(this.path, 'wx+', 0o600);
    this.entries = [];
  }

  async close(): Promise<void> {
    const handle = this.handle;
    this.handle = undefined;
    await handle?.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await unlink(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  /** Appends bytes and waits until they are on the disk. */
  async append(bytes: Buffer): Promise<void> {
    const file = await this.file();
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, this.size + done);
      done += bytesWritten;
    }
    await file.datasync();
    this.size += bytes.length;
  }

  /** The body of a batch; undefined when it cannot be read any more. */
  async body(entry: Entry): Promise<Buffer | undefined> {
    const file = await this.file();
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(entry.length), 0, entry.length, entry.offset);
    return bytesRead === entry.length ? readFrame(buffer, 0)?.body : undefined;
  }

  /** Reads a segment that an earlier run, or an earlier hour, wrote. */
  async scan(): Promise<{ readonly heads: (BatchHead | CheckpointHead)[]; readonly damages: readonly Damage[] }> {
    const file = await this.file();
    const bytes = Buffer.allocUnsafe((await file.stat()).size);
    await file.read(bytes, 0, bytes.length, 0);
    const { frames, damages } = readFrames(bytes);
    const heads: (BatchHead | CheckpointHead)[] = [];
    this.entries = [];
    for (const { head, offset, length } of frames) {
      if (!isRecordHead(head)) continue;
      heads.push(head);
      if (head.kind === 'batch') this.entries.push({ head, offset, length, state: 'waiting' });
    }
    return { heads, damages };
  }

  /** Puts the list of a segment that nobody sends from out of memory. */
  async forget(): Promise<void> {
    if (!this.sealed || !this.entries || this.entries.some((entry) => entry.state !== 'waiting')) return;
    this.entries = undefined;
    await this.close();
  }
}
