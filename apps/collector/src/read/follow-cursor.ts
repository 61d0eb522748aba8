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
  /** When it was last written to, milliseconds since 1970; absent from what an older collector wrote. */
  readonly mtimeMs?: number;
}

export type Sign = Pick<FollowCursor, 'mark' | 'markBytes'>;

const MARK_BYTES = 256;

/** A cursor out of the spool; undefined when it is none of a file. */
export function followCursor(cursor: Cursor | undefined): FollowCursor | undefined {
  return typeof cursor?.['offset'] === 'number' ? (cursor as unknown as FollowCursor) : undefined;
}

function markOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** The sign by which a file is known again; undefined when its first bytes are not those that `before` was made of. */
export async function signOf(file: FileHandle, before?: Sign): Promise<Sign | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MARK_BYTES), 0, MARK_BYTES, 0);
  const first = buffer.subarray(0, bytesRead);
  if (before && markOf(first.subarray(0, before.markBytes)) !== before.mark) return undefined;
  return { mark: markOf(first), markBytes: bytesRead };
}

/** Opens a file when it is the one the cursor speaks of, with at least as much in it. */
async function openSame(name: string, cursor: FollowCursor): Promise<FileHandle | undefined> {
  const file = await open(name, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  const { size } = await file.stat();
  if (size >= cursor.offset && (await signOf(file, cursor))) return file;
  await file.close();
  return undefined;
}

/**
 * The file that a cursor speaks of: under its name, or where rotation put it (`NAME.1`, `NAME-20261121`), or a copy, the
 * youngest first. Rejects when it is there and may not be read.
 */
export async function findFollowed(name: string, cursor: FollowCursor): Promise<FileHandle | undefined> {
  const own = await stat(name).catch(() => undefined);
  if (own?.ino === cursor.ino) {
    const same = await openSame(name, cursor);
    if (same) return same;
  }
  // Every file begins like one of which nothing is known.
  if (cursor.markBytes === 0) return undefined;
  for (const sibling of await siblings(name, cursor.ino)) {
    const found = await openSame(sibling, cursor).catch(() => undefined);
    if (found) return found;
  }
  return undefined;
}

/** What stands beside a file under a name that begins like its own, not compressed; the one with the inode first. */
async function siblings(name: string, ino: number): Promise<readonly string[]> {
  const [folder, base] = [path.dirname(name), path.basename(name)];
  const stem = path.parse(base).name;
  const names = (await readdir(folder).catch(() => [])).filter(
    (each) => each !== base && each.startsWith(stem) && !/\.(gz|xz|zst|bz2)$/.test(each),
  );
  const found = await Promise.all(
    names.map(async (each) => {
      const is = await stat(path.join(folder, each)).catch(() => undefined);
      return is?.isFile() ? [{ name: path.join(folder, each), own: is.ino === ino, mtimeMs: is.mtimeMs }] : [];
    }),
  );
  return found
    .flat()
    .toSorted((a, b) => Number(b.own) - Number(a.own) || b.mtimeMs - a.mtimeMs)
    .map((each) => each.name);
}
