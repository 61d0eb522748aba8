import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

type Mode = 'open' | 'refused' | 'hanging';

/** A stretch of network between two processes that can be cut: connections break and are refused, or nothing moves any more. */
export class Proxy {
  private mode: Mode = 'open';
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(private readonly target: number) {
    this.server = createServer((socket) => this.accept(socket));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Also takes what arrives at another socket, which closes with its owner. */
  readonly alsoAt = (server: Server): void => {
    server.on('connection', (socket) => this.accept(socket));
  };

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private accept(socket: Socket): void {
    if (this.mode === 'refused') {
      socket.resetAndDestroy();
      return;
    }
    const other = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
    if (this.mode === 'hanging') for (const end of [socket, other]) end.pause();
  }

  /** Every connection breaks with a reset, and new ones do. */
  cut(): void {
    this.mode = 'refused';
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Connections stay and nothing moves. */
  hang(): void {
    this.mode = 'hanging';
    for (const socket of this.sockets) socket.pause();
  }

  heal(): void {
    this.mode = 'open';
    for (const socket of this.sockets) socket.resume();
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
