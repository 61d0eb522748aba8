import { createHash } from 'node:crypto';
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Cursor } from '../spool/record.js';

/** Where a followed file stands. */
export interface FollowCursor {
  readonly ino: number;
  readonly offset: number;
  /** Number of the next line, from 1. */
  readonly line: number;
  /** Of the file's first bytes: inodes are used again, and a file that was cut and written anew keeps its own. */
  readonly mark: string;
  readonly markBytes: number;
}

const MARK_BYTES = 256;

/** A cursor out of the spool; undefined when it is none of a file. */
export function followCursor(cursor: Cursor | undefined): FollowCursor | undefined {
  return typeof cursor?.['offset'] === 'number' ? (cursor as unknown as FollowCursor) : undefined;
}

async function markOf(file: FileHandle, bytes: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
  return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex').slice(0, 16);
}

/** The sign by which a file that was read up to `offset` is known again. */
export async function signOf(file: FileHandle, offset: number): Promise<Pick<FollowCursor, 'mark' | 'markBytes'>> {
  const markBytes = Math.min(MARK_BYTES, offset);
  return { mark: await markOf(file, markBytes), markBytes };
}

/** Opens a file when it is the one the cursor speaks of, with at least as much in it. */
async function openSame(name: string, cursor: FollowCursor): Promise<FileHandle | undefined> {
  const file = await open(name, 'r').catch(() => undefined);
  if (!file) return undefined;
  const { size } = await file.stat();
  if (size >= cursor.offset && (await markOf(file, cursor.markBytes)) === cursor.mark) return file;
  await file.close();
  return undefined;
}

/** The file that a cursor speaks of: under its name, or where rotation put it (`NAME.1`, `NAME-20261121`, a copy). */
export async function findFollowed(name: string, cursor: FollowCursor): Promise<FileHandle | undefined> {
  const own = await stat(name).catch(() => undefined);
  if (own?.ino === cursor.ino) {
    const same = await openSame(name, cursor);
    if (same) return same;
  }
  const folder = path.dirname(name);
  const siblings = (await readdir(folder).catch(() => [])).filter(
    (each) => each !== path.basename(name) && each.startsWith(path.basename(name)) && !/\.(gz|xz|zst|bz2)$/.test(each),
  );
  for (const sibling of siblings.toSorted()) {
    const found = await openSame(path.join(folder, sibling), cursor);
    if (found) return found;
  }
  return undefined;
}
