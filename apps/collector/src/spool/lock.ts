import { open, unlink } from 'node:fs/promises';
import net from 'node:net';

export class LockedError extends Error {}

function listen(address: string): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(address, () => resolve(server.unref()));
  });
}

function isListenedTo(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}

const isTaken = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EADDRINUSE';

/**
 * Holds a name in this network namespace for as long as the process lives: however it ends, the kernel lets go. Two
 * collectors of one node see the same packets, so the second one must not start.
 */
export async function holdNode(cluster: string, node: string): Promise<() => void> {
  try {
    const server = await listen(`\0whydrop-collector/${cluster}/${node}`.slice(0, 107));
    return () => void server.close();
  } catch (error) {
    if (!isTaken(error)) throw error;
    throw new LockedError(`another collector ships for node ${node} of cluster ${cluster} from this machine already`);
  }
}

/**
 * Holds a folder for as long as the process lives, across containers too: a socket in it that somebody answers. What a
 * killed process left does not answer and is taken over.
 */
export async function holdFolder(folder: string): Promise<() => Promise<void>> {
  // A socket's path has 107 bytes at most, a folder's may be longer: the way through the open folder is always short.
  const handle = await open(folder, 'r');
  const address = `/proc/self/fd/${handle.fd}/lock`;
  const release = (server: net.Server) => async (): Promise<void> => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await handle.close();
  };
  try {
    return release(await listen(address));
  } catch (error) {
    if (!isTaken(error) || (await isListenedTo(address))) {
      await handle.close();
      throw isTaken(error) ? new LockedError(`${folder}: another collector uses this spool`) : error;
    }
    await unlink(address);
    return release(await listen(address));
  }
}
