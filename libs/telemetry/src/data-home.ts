import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** With the folders above it. Node's own way turns in circles for ever where a file system takes no folders: /proc. */
function makeFolder(folder: string): void {
  const above = path.dirname(folder);
  try {
    mkdirSync(folder, { mode: 0o755 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (code !== 'ENOENT' || above === folder || existsSync(above)) throw error;
    makeFolder(above);
    mkdirSync(folder, { mode: 0o755 });
  }
}

/**
 * The folder of everything Whydrop keeps on this machine by itself: embedded PostgreSQL, Redis, the running server's address.
 * WHYDROP_DATA, else /var/lib/whydrop for root, else the user's data folder. Made when it is not there.
 */
export function dataHome(environment: NodeJS.ProcessEnv = process.env): string {
  const user = environment['XDG_DATA_HOME'] ?? path.join(homedir(), '.local', 'share');
  const home =
    environment['WHYDROP_DATA'] ?? (process.getuid?.() === 0 ? '/var/lib/whydrop' : path.join(user, 'whydrop'));
  try {
    makeFolder(home);
  } catch (error) {
    throw new Error(`${home} cannot hold the data (${(error as Error).message}): set WHYDROP_DATA to another folder`);
  }
  return home;
}
