import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

/** Who runs the server's programs when it is not us. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

function lookUp(name: string): ServerUser | undefined {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/** PostgreSQL refuses to run as root: then whoever owns the data already, else `postgres`, else `nobody`. */
export function serverUser(data: string): ServerUser | undefined {
  const self = process.getuid?.();
  const owner = existsSync(data) ? statSync(data) : undefined;
  if (self !== 0) {
    if (owner && self !== undefined && owner.uid !== self) {
      throw new Error(
        `${data} belongs to user ${owner.uid}, this is user ${self}: start as that user, or set WHYDROP_DATA to a folder of your own`,
      );
    }
    return undefined;
  }
  const user = owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : (lookUp('postgres') ?? lookUp('nobody'));
  if (!user)
    throw new Error(
      'PostgreSQL cannot run as root, and there is neither a user "postgres" nor "nobody": set DATABASE_URL',
    );
  return user;
}
