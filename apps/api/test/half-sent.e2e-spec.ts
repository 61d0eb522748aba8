import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createToken } from '@whydrop/storage';
import { formatBatch } from '@whydrop/contracts';
import type { RunningApi } from '../src/start.js';
import { openTestApi } from './api.js';
import { openTestDatabase, type OpenTestDatabase } from './database.js';

const LIMIT = 64 * 1024;

let db: OpenTestDatabase;
let token: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  db = await openTestDatabase();
  token = (await createToken(db, { name: 'node', role: 'ingest' })).text;
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await db.drop();
});

const open = (timeouts: {
  readonly requestTimeoutMs?: number;
  readonly closeTimeoutMs?: number;
}): Promise<RunningApi> =>
  openTestApi(db, { knownFormats: ['conntrack-events'], ingestLimits: { inFlightBytes: LIMIT }, ...timeouts });

/** A POST of which the first half comes, and then nothing: its machine is gone, and the connection stands. */
async function fallSilent(api: RunningApi, bytes: number): Promise<Socket> {
  const { hostname: host, port } = new URL(api.url);
  const socket = connect({ host, port: Number(port) });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  const head = [
    'POST /ingest/v1/batches HTTP/1.1',
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    `Content-Length: ${2 * bytes}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${' '.repeat(bytes)}`);
  return socket;
}

async function post(api: RunningApi, sequence: number): Promise<number> {
  const stream = { version: 1 as const, cluster: 'c', node: 'n', stream: 's', format: 'conntrack-events' };
  const body = new Uint8Array(formatBatch({ ...stream, epoch: 1, sequence, attributes: {} }, 'x'.repeat(LIMIT / 2)));
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${api.url}/ingest/v1/batches`, { method: 'POST', headers, body })).status;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await done()); await new Promise((resolve) => setTimeout(resolve, 50)))
    if (Date.now() > end) throw new Error('it did not come to that');
}

describe('a batch whose sender falls silent in the middle', () => {
  it('gives its memory back in time: the others are taken again', async () => {
    const api = await open({ requestTimeoutMs: 2_000 });
    await fallSilent(api, LIMIT * 0.75);
    await until(async () => (await post(api, 1)) === 503);
    await until(async () => (await post(api, 1)) === 202);
    await api.close();
  });

  it('does not keep the API from closing', async () => {
    const api = await open({ closeTimeoutMs: 300 });
    const silent = await fallSilent(api, LIMIT * 0.75);
    await until(async () => (await post(api, 2)) === 503);
    const closed = once(silent, 'close');
    await api.close();
    await closed;
  });
});
