import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The folder of everything Whydrop keeps on this machine by itself: embedded PostgreSQL, Redis, the running server's address.
 * WHYDROP_DATA, else /var/lib/whydrop for root, else the user's data folder. Made when it is not there.
 */
export function dataHome(environment: NodeJS.ProcessEnv = process.env): string {
  const user = environment['XDG_DATA_HOME'] ?? path.join(homedir(), '.local', 'share');
  const home =
    environment['WHYDROP_DATA'] ?? (process.getuid?.() === 0 ? '/var/lib/whydrop' : path.join(user, 'whydrop'));
  try {
    mkdirSync(home, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new Error(`${home} cannot hold the data (${(error as Error).message}): set WHYDROP_DATA to another folder`);
  }
  return home;
}
