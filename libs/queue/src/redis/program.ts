import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const NAMES = ['redis-server', 'valkey-server'];

/** Debian keeps daemons where an ordinary user's PATH does not look. */
const ALSO = ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The Redis or Valkey server of this machine, looked up on `searchPath` (the form of PATH). */
export function findRedisProgram(searchPath: string): string | undefined {
  const folders = [...searchPath.split(path.delimiter).filter(Boolean), ...(searchPath ? ALSO : [])];
  return NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(executable);
}
