import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Patience } from './patience.js';
import { Poster } from './post.js';

describe('how long an answer is waited for', () => {
  it('begins with eight seconds, is doubled when nothing comes, and ends at thirty', () => {
    const patience = new Patience();
    const given: number[] = [];
    for (let at = 0; at < 4; at++) {
      given.push(patience.now);
      patience.ranOut(patience.now);
    }
    expect(given).toEqual([8_000, 16_000, 30_000, 30_000]);
  });

  it('counts requests that ran out side by side as one', () => {
    const patience = new Patience();
    for (let at = 0; at < 4; at++) patience.ranOut(8_000);
    expect(patience.now).toBe(16_000);
  });

  it.each([
    [20, 8_000],
    [5_000, 15_000],
    [29_000, 30_000],
  ])('after an answer that took %i ms is %i ms', (took, ms) => {
    const patience = new Patience();
    patience.answered(took);
    expect(patience.now).toBe(ms);
  });
});

/** A server that from some moment on takes what comes and says nothing, over connections that stay open. */
class FallingSilent {
  readonly sockets = new Set<Socket>();
  silent = false;
  private readonly server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume().once('end', () => {
      if (!this.silent) response.writeHead(202).end('{}');
    });
  });

  async open(): Promise<string> {
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describe('a connection over which nothing comes any more', () => {
  const server = new FallingSilent();
  let poster: Poster;
  beforeAll(async () => {
    poster = new Poster(await server.open(), 'token', 3, new Patience(500, 1_000));
  });
  afterAll(() => {
    poster.close();
    server.close();
  });

  const taken = async () => {
    while ((await poster.post(Buffer.from('batch'))).kind !== 'accepted') await sleep(10);
  };

  it('is given up together with those that lie idle, and the next batch goes over a new one', async () => {
    while (server.sockets.size < 2) await Promise.all([taken(), taken(), taken()]);
    server.silent = true;
    const answer = await poster.post(Buffer.from('batch'));
    expect(answer).toEqual({ kind: 'later', reason: expect.stringMatching(/^no answer within/), afterMs: undefined });
    while (server.sockets.size > 0) await sleep(10);
    server.silent = false;
    await taken();
  });
});
