import { existsSync } from 'node:fs';
import path from 'node:path';

/** Whether a page was built into this folder. */
export function isWebRoot(folder: string): boolean {
  return existsSync(path.join(folder, 'index.html'));
}

/** Folder of the built page: `apps/web/dist` of the checkout this file runs in, built or not; undefined when it was not built. */
export function findWebRoot(from: string = import.meta.dirname): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const root = path.join(folder, 'apps/web/dist');
    if (isWebRoot(root)) return root;
    if (folder === path.dirname(folder)) return undefined;
  }
}
