import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { parseAllowList } from './guard/allow-list.js';
import { EXCERPT, send, SEND_DEFAULTS, type SendOptions } from './send.js';

const OPTIONS: SendOptions = {
  ...SEND_DEFAULTS,
  connectTimeoutMs: 500,
  totalTimeoutMs: 600,
  bodyTimeoutMs: 200,
  allow: parseAllowList('127.0.0.1'),
  lookup: () => Promise.resolve(['127.0.0.1']),
};

const servers: { close(): unknown; closeAllConnections?(): void }[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function listen<S extends Server | ReturnType<typeof createTcpServer>>(server: S): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener) => listen(createServer(listener));

function post(port: number, options: Partial<SendOptions> = {}, host = '127.0.0.1') {
  const request = {
    url: `http://${host}:${port}/hook?x=1`,
    headers: { 'content-type': 'application/json' },
    body: '{"a":"↑"}',
  };
  return send(request, { ...OPTIONS, ...options });
}

async function bytesOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

it('posts the very bytes, and gives the answer back', async () => {
  let seen: unknown;
  const port = await serve((request, response) => {
    void bytesOf(request).then((body) => {
      seen = { method: request.method, url: request.url, body, length: request.headers['content-length'] };
      response.writeHead(503, { 'retry-after': '7' }).end('later');
    });
  });
  const answer = { status: 503, retryAfter: '7', location: undefined, body: 'later' };
  expect(await post(port)).toEqual({ kind: 'answer', answer });
  expect(seen).toEqual({ method: 'POST', url: '/hook?x=1', body: '{"a":"↑"}', length: '11' });
});

it('does not follow a redirect', async () => {
  const asked: (string | undefined)[] = [];
  const port = await serve((request, response) => {
    asked.push(request.url);
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  expect(await post(port)).toMatchObject({ answer: { status: 307, location: '/elsewhere' } });
  expect(asked).toEqual(['/hook?x=1']);
});

const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'hangs before the headers': () => undefined,
  resets: (response) => response.socket?.resetAndDestroy(),
  'hangs up': (response) => response.socket?.end(),
};

it.each(Object.keys(ANSWERS))('one that %s can be tried again', async (name) => {
  const port = await serve((_request, response) => ANSWERS[name]?.(response));
  const began = Date.now();
  expect(await post(port)).toMatchObject({ kind: 'failure', retry: true });
  expect(Date.now() - began).toBeLessThan(2_000);
});

it('says that nobody answered in time', async () => {
  const port = await serve(() => undefined);
  expect(await post(port)).toEqual({ kind: 'failure', retry: true, error: 'no answer within 0.6 s' });
});

it('one that is not there can be tried again', async () => {
  const port = await serve(() => undefined);
  for (const server of servers.splice(0)) await new Promise((resolve) => void (server as Server).close(resolve));
  const sent = await post(port);
  expect(sent).toMatchObject({ kind: 'failure', retry: true });
  expect((sent as { error: string }).error).toContain('ECONNREFUSED');
});

it('what is no HTTP can be tried again', async () => {
  const port = await listen(createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n')));
  expect(await post(port)).toMatchObject({ kind: 'failure', retry: true });
});

it('a status counts although its body hangs', async () => {
  const port = await serve((_request, response) => void response.writeHead(200).write('begun'));
  expect(await post(port)).toMatchObject({ kind: 'answer', answer: { status: 200, body: 'begun' } });
});

it('an endless body is neither read nor kept', async () => {
  let written = 0;
  const port = await serve((_request, response) => {
    const part = Buffer.alloc(64 * 1024, 'x');
    const pump = () => {
      while (!response.destroyed && written < 1_000_000_000 && response.write(part)) written += part.length;
    };
    response
      .writeHead(200)
      .on('drain', pump)
      .on('error', () => undefined);
    pump();
  });
  const sent = await post(port);
  expect(sent).toMatchObject({ kind: 'answer', answer: { status: 200, body: 'x'.repeat(EXCERPT) } });
  expect(written).toBeLessThan(20_000_000);
});

it('a NUL in an answer is left out: no text in the database holds one', async () => {
  const port = await serve((_request, response) => response.end('a\0b'));
  expect(await post(port)).toMatchObject({ answer: { body: 'ab' } });
});

describe('a name', () => {
  it('is looked up once, and connected to as it was judged, though it answers otherwise the second time', async () => {
    const port = await serve((request, response) => response.end(request.headers.host));
    let asked = 0;
    const lookup = () => Promise.resolve(asked++ === 0 ? ['127.0.0.1'] : ['10.255.255.1']);
    expect(await post(port, { lookup }, 'rebind.example')).toMatchObject({
      answer: { status: 200, body: `rebind.example:${port}` },
    });
    expect(asked).toBe(1);
  });

  it('that answers with a private address is not sent to, today or tomorrow', async () => {
    let reached = false;
    const port = await serve((_request, response) => {
      reached = true;
      response.end();
    });
    const allow = parseAllowList(undefined);
    expect(await post(port, { allow }, 'rebind.example')).toMatchObject({ kind: 'failure', retry: false });
    expect(await post(port, { allow })).toMatchObject({ kind: 'failure', retry: false });
    expect(reached).toBe(false);
  });

  it('that DNS says nothing about holds nobody up', async () => {
    const lookup = () => new Promise<never>(() => undefined);
    expect(await post(80, { lookup }, 'slow.example')).toEqual({
      kind: 'failure',
      retry: true,
      error: 'no answer about slow.example from DNS within 0.5 s',
    });
  });
});

it('asks no proxy of the environment', async () => {
  const port = await serve((_request, response) => response.end('direct'));
  const before = process.env['HTTP_PROXY'];
  process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
  try {
    expect(await post(port)).toMatchObject({ answer: { body: 'direct' } });
  } finally {
    if (before === undefined) delete process.env['HTTP_PROXY'];
    else process.env['HTTP_PROXY'] = before;
  }
});
