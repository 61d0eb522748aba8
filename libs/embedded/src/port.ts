import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

/** The port that could be listened on (0: any); undefined when somebody else does. */
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

/** Any free TCP port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const port = await listen(0);
  if (port === undefined) throw new Error('no free port on 127.0.0.1');
  return port;
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
