import { mkdir } from 'node:fs/promises';
import path from 'node:path';

/** Whether there was no room: for bytes, for another file, or within what this user may take. It goes on when there is some. */
export function isFull(error: unknown): error is Error {
  const { code } = error as { readonly code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Makes a folder and those above it. Node's own way says ENOENT where the disk is full. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What is there may be a file: whoever uses it says so.
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || path.dirname(folder) === folder) throw error;
    await makeFolder(path.dirname(folder));
    await makeFolder(folder);
  }
}
