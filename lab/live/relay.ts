import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { start, stop } from '../src/shell.js';

/** A way from the lab's network to a server on the host, which it cannot reach otherwise. */
export interface Relay {
  /** Of the server, as the nodes see it. */
  readonly url: string;
  close(): Promise<void>;
}

const PORT = 4270;

/** Passes connections on to wherever `connect` leads; what breaks on one side is closed on the other. */
function passOn(connect: () => net.Socket): net.Server {
  return net.createServer((near) => {
    const far = connect();
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
}

const INSIDE = `
  const net = require('node:net');
  net.createServer((near) => {
    const far = net.connect(process.argv[1]);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(${PORT}, '0.0.0.0', () => console.log('listening'));
`;

/**
 * Listens on `gateway` in the lab's switch and leads to `url` on the host. Nothing is made on the host for it: the two
 * halves meet at a socket in `folder`, which namespaces do not divide.
 */
export async function openRelay(namespace: string, gateway: string, url: string, folder: string): Promise<Relay> {
  const { hostname, port } = new URL(url);
  const meeting = join(folder, 'relay.sock');
  const server = passOn(() => net.connect(Number(port), hostname));
  await new Promise<void>((resolve) => server.listen(meeting, resolve));
  const child = start(namespace, [process.execPath, '-e', INSIDE, meeting]);
  await Promise.race([new Promise((resolve) => child.stdout?.once('data', resolve)), wait(5_000)]);
  return {
    url: `http://${gateway}:${PORT}`,
    close: async () => {
      await stop(child, 'SIGKILL');
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.unref();
        setTimeout(resolve, 500).unref();
      });
    },
  };
}
