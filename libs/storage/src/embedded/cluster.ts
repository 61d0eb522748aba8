import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Binaries } from './binaries.js';
import { runProgram } from './program.js';
import type { ServerUser } from './server-user.js';

const PASSWORD_FILE = 'whydrop.password';

function give(file: string, user: ServerUser | undefined): void {
  if (user) chownSync(file, user.uid, user.gid);
}

/** Makes the data directory. It appears at once and whole: made beside its place and moved, so two starts cannot mix. */
export async function initialise(
  data: string,
  binaries: Binaries,
  user: ServerUser | undefined,
  unsafeFast: boolean,
): Promise<void> {
  if (existsSync(data)) return;
  const nursery = mkdtempSync(`${data}.new-`);
  try {
    give(nursery, user);
    const fresh = path.join(nursery, 'data');
    const passwordFile = path.join(nursery, 'password');
    const password = randomBytes(24).toString('hex');
    mkdirSync(fresh, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    give(fresh, user);
    give(passwordFile, user);
    const how = ['-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C'];
    const sync = unsafeFast ? ['--no-sync'] : [];
    const made = await runProgram(binaries.initdb, ['-D', fresh, ...how, '--no-instructions', ...sync], nursery, user);
    if (!made.ok) throw new Error(`PostgreSQL could not make its data directory ${data}: ${made.output}`);
    writeFileSync(path.join(fresh, PASSWORD_FILE), password, { mode: 0o600 });
    try {
      renameSync(fresh, data);
    } catch (error) {
      if (!existsSync(data)) throw error; // otherwise another start was quicker
    }
  } finally {
    rmSync(nursery, { recursive: true, force: true });
  }
}

/** The generated password of the user `postgres`; other users of the machine cannot read it. */
export function readPassword(data: string): string {
  try {
    return readFileSync(path.join(data, PASSWORD_FILE), 'utf8');
  } catch (error) {
    throw new Error(`${data} is no data directory of this program (${PASSWORD_FILE} cannot be read)`, { cause: error });
  }
}
