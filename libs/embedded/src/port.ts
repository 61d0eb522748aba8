import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

/** The port when it could be listened on; undefined when somebody else does. */
function listen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound));
    });
  });
}

/** Below what systems give to outgoing connections (32768 and more on Linux), and below the node ports of Kubernetes. */
const FIRST = 20_000;
const LAST = 29_999;
const TRIES = 100;

/**
 * Any free TCP port of 127.0.0.1 that no connection is given by chance: a server that ends finds it free when it is started
 * again, and whoever tries to reach it meanwhile does not connect to itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = await listen(randomInt(FIRST, LAST + 1));
    if (port !== undefined) return port;
  }
  throw new Error(`no free port on 127.0.0.1 between ${FIRST} and ${LAST}`);
}

function remembered(memory: string): number | undefined {
  try {
    const port = Number(readFileSync(memory, 'utf8'));
    return port > 0 && port < 65536 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** A free TCP port of 127.0.0.1: the wanted one, else the one that `memory` (a file) remembers when it is free, else any. */
export async function choosePort(memory: string, wanted?: number): Promise<number> {
  const before = wanted ?? remembered(memory);
  const port = before === undefined ? undefined : await listen(before);
  if (port === undefined && wanted !== undefined) throw new Error(`port ${wanted} of 127.0.0.1 is taken`);
  return port ?? freePort();
}
