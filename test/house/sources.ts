import { readdirSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', 'generated', '.whydrop']);

/** Files below a folder of the repository, as paths from its root. */
export function filesBelow(folder: string, wanted: (file: string) => boolean): readonly string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesBelow(name, wanted);
    return entry.isFile() && wanted(name) ? [name] : [];
  });
}

/** Tests and what only they use. */
export function isTest(file: string): boolean {
  return (
    /\.(e2e-)?spec\.ts$/.test(file) || /^(test|libs\/testing)\//.test(file) || /^(apps|libs)\/[^/]+\/test\//.test(file)
  );
}
