import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:net';

const FAR = '198.18.77.1';
const NEAR = '198.18.77.2';
const FAR_MAC = '02:00:00:00:77:01';

/** How the names of our namespaces begin; the number of the process that made them follows. The lab clears away what is called `wd…`. */
const NAMESPACES = 'survive';

const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What a killed run left behind. */
function removeLeftovers(): void {
  for (const line of ip('netns', 'list').split('\n')) {
    const name = line.split(' ')[0] ?? '';
    const pid = new RegExp(`^${NAMESPACES}([0-9a-z]+)x`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number.parseInt(pid, 36))) ip('netns', 'del', name);
  }
}

/** Opens a socket inside a namespace and hands it over: it stays there, whoever accepts from it. Then it is needed no more. */
const LISTEN = `
  const server = require('node:net').createServer();
  server.listen(0, process.argv[1], () => process.send(server.address().port, server));
  process.once('disconnect', () => process.exit());`;

/**
 * A cable of our own between two network namespaces of our own: a collector at the near end reaches what listens at the far
 * end. While it is down packets vanish: nobody is told, as when a switch dies. Nothing is changed in the host's namespace.
 *
 *   near 198.18.77.2 ── veth ── 198.18.77.1 far, accepted by this process
 */
export class Link {
  private readonly near: string;
  private readonly far: string;
  private readonly atExit = () => this.remove();
  private listening: { readonly server: Server; readonly port: number } | undefined;

  private constructor() {
    const prefix = `${NAMESPACES}${process.pid.toString(36)}x${randomBytes(2).toString('hex')}`;
    this.near = `${prefix}-near`;
    this.far = `${prefix}-far`;
    process.once('exit', this.atExit);
  }

  static async open(accept: (server: Server) => void): Promise<Link> {
    removeLeftovers();
    const link = new Link();
    try {
      link.build();
      link.listening = await link.listen();
      accept(link.listening.server);
      return link;
    } catch (error) {
      link.remove();
      throw error;
    }
  }

  private build(): void {
    const { near, far } = this;
    for (const name of [near, far]) ip('netns', 'add', name);
    const cable = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', near];
    ip('-n', far, 'link', 'add', 'eth0', 'address', FAR_MAC, ...cable);
    for (const [name, address] of [[far, FAR], [near, NEAR]] as const) {
      ip('-n', name, 'addr', 'add', `${address}/30`, 'dev', 'eth0');
      for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
    } // prettier-ignore
    // Without this the near end would ask who has the address, get no answer, and tell its programs so after three seconds.
    ip('-n', near, 'neigh', 'replace', FAR, 'lladdr', FAR_MAC, 'dev', 'eth0', 'nud', 'permanent');
  }

  private async listen(): Promise<{ readonly server: Server; readonly port: number }> {
    const opener = ['netns', 'exec', this.far, process.execPath, '-e', LISTEN, FAR];
    const child = spawn('ip', opener, { env: environment, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`no socket at the far end: ${code}`)));
    const [port, server] = (await Promise.race([once(child, 'message'), failed])) as [number, Server];
    failed.catch(() => undefined);
    child.disconnect();
    return { server, port };
  }

  /** What listens at the far end, as it is seen from the near end. */
  get url(): string {
    return `http://${FAR}:${this.listening?.port}`;
  }

  /** A command that runs at the near end, as the same process. */
  inside(command: string, args: readonly string[]): readonly [command: string, args: readonly string[]] {
    return ['ip', ['netns', 'exec', this.near, command, ...args]];
  }

  /** The far end goes down; the near end still believes in its own. */
  down(): void {
    ip('-n', this.far, 'link', 'set', 'eth0', 'down');
  }

  up(): void {
    ip('-n', this.far, 'link', 'set', 'eth0', 'up');
  }

  remove(): void {
    process.off('exit', this.atExit);
    this.listening?.server.close();
    for (const name of [this.near, this.far]) {
      try {
        ip('netns', 'del', name);
      } catch {
        // Not made yet, or already gone.
      }
    }
  }
}
