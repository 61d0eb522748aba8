import { appendFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type RunningCollector, startCollector } from './collector.js';
import { parseOptions } from './options.js';
import { LockedError } from './spool/lock.js';

interface Received {
  readonly stream: string;
  readonly format: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly firstLine: number;
  readonly lines: readonly string[];
}

type Reply = readonly [status: number, headers?: Readonly<Record<string, string>>];

/** A server that takes batches, unless `reply` says otherwise. */
class Server {
  readonly received: Received[] = [];
  readonly requestedAt: number[] = [];
  reply: (batch: Received) => Reply = () => [202];
  private readonly server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.requestedAt.push(Date.now());
      const [head = '', ...lines] = gunzipSync(Buffer.concat(chunks)).toString().trimEnd().split('\n');
      const batch = { ...(JSON.parse(head) as Omit<Received, 'lines'>), lines };
      const [status, headers = {}] = this.reply(batch);
      if (status === 202) this.received.push(batch);
      response.writeHead(status, headers).end('{}');
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Each line of a stream as often as it came, repeated batches counted once. */
  linesOf(stream: string): readonly string[] {
    const batches = new Map<string, readonly string[]>();
    for (const { epoch, sequence, lines, ...each } of this.received) {
      if (each.stream === stream) batches.set(`${epoch}/${sequence}`, lines);
    }
    return [...batches.values()].flat();
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-collector-'));
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
let runs = 0;
let server: Server;
let url: string;
let home: string;
let running: RunningCollector | undefined;

beforeEach(async () => {
  server = new Server();
  url = await server.listen();
  home = path.join(folder, String(++runs));
});
afterEach(async () => {
  await running?.stop(100);
  running = undefined;
  server.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = () => path.join(folder, `log-${runs}`);

async function start(...words: string[]): Promise<RunningCollector> {
  const common = [
    '--url',
    url,
    '--token',
    't',
    '--node',
    `test-${process.pid}-${runs}`,
    '--read',
    'none',
    '--spool',
    home,
  ];
  const follow = ['--follow-file', `log:conntrack-events:${file()}`];
  running = await startCollector(parseOptions([...common, ...follow, '--flush-ms', '20', ...words], {}), log);
  return running;
}

async function until(done: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !done(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `record ${from + index}`);
const text = (from: number, to: number) =>
  numbered(from, to)
    .map((line) => `${line}\n`)
    .join('');

describe('a followed file', () => {
  it('comes once, over rotations and restarts', async () => {
    writeFileSync(file(), text(0, 500));
    await start();
    await until(() => server.linesOf('log').length === 500);
    appendFileSync(file(), text(500, 600));
    renameSync(file(), `${file()}.1`);
    appendFileSync(`${file()}.1`, text(600, 610));
    writeFileSync(file(), text(610, 700));
    await until(() => server.linesOf('log').length === 700);
    await running?.stop(1_000);
    appendFileSync(file(), text(700, 720));
    renameSync(file(), `${file()}.2`);
    writeFileSync(file(), text(720, 730));
    await start();
    await until(() => server.linesOf('log').length >= 730);
    expect(server.linesOf('log')).toEqual(numbered(0, 730));
    expect(server.received.filter(({ format }) => format === 'gap')).toEqual([]);
  });

  it('gives no half line', async () => {
    writeFileSync(file(), 'record 0\nreco');
    await start();
    await until(() => server.linesOf('log').length === 1);
    appendFileSync(file(), 'rd 1\n');
    await until(() => server.linesOf('log').length === 2);
    expect(server.linesOf('log')).toEqual(numbered(0, 2));
  });

  it('that was removed unread is a gap', async () => {
    writeFileSync(file(), text(0, 10));
    await start();
    await until(() => server.linesOf('log').length === 10);
    await running?.stop(1_000);
    rmSync(file());
    writeFileSync(file(), text(20, 30));
    await start();
    await until(() => server.received.some(({ format }) => format === 'gap'));
    const [gap] = server.received.filter(({ format }) => format === 'gap').flatMap(({ lines }) => lines);
    expect(JSON.parse(gap ?? '')).toMatchObject({ stream: 'log', channel: 'conntrack', reason: 'SOURCE_GONE' });
    await until(() => server.linesOf('log').length === 20);
  });
});

describe('a server that does not take a batch', () => {
  it('is asked again when it says later, not before the time it named, and nothing is lost', async () => {
    let refusals = 0;
    server.reply = () => (refusals++ < 3 ? [429, { 'retry-after': '1' }] : [202]);
    writeFileSync(file(), text(0, 5));
    await start();
    await until(() => server.linesOf('log').length === 5);
    const [first = 0, second = 0] = server.requestedAt;
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(server.linesOf('log')).toEqual(numbered(0, 5));
  });

  it.each([200, 204, 301, 401, 404, 500, 503])('a %i is no yes', async (status) => {
    let refusals = 0;
    server.reply = () => (refusals++ < 2 ? [status] : [202]);
    writeFileSync(file(), text(0, 5));
    await start();
    await until(() => server.linesOf('log').length === 5);
    expect(refusals).toBeGreaterThanOrEqual(3);
  });

  it('keeps aside what will never be taken, reports it, and sends the rest', async () => {
    server.reply = ({ format, sequence }) => (format === 'conntrack-events' && sequence === 0 ? [400] : [202]);
    writeFileSync(file(), text(0, 5));
    await start();
    await until(() => server.received.some(({ format }) => format === 'gap'));
    appendFileSync(file(), text(5, 8));
    await until(() => server.linesOf('log').length === 3);
    const [gap] = server.received.filter(({ format }) => format === 'gap').flatMap(({ lines }) => lines);
    expect(JSON.parse(gap ?? '')).toMatchObject({ reason: 'REFUSED', records: 5, firstSequence: 0, lastSequence: 0 });
    expect(readdirSync(path.join(home, 'refused'))).toHaveLength(2);
  });

  it('keeps everything while the server is away, over a restart, under the same numbers', async () => {
    server.reply = () => [503];
    writeFileSync(file(), text(0, 50));
    const first = await start();
    await until(() => server.requestedAt.length > 0);
    expect(await first.stop(50)).toBe(false);
    server.reply = () => [202];
    await start();
    await until(() => server.linesOf('log').length === 50);
    expect(server.received.find(({ stream }) => stream === 'log')).toMatchObject({ sequence: 0, firstLine: 1 });
  });
});

describe('a collector', () => {
  it('does not start beside another one of its node', async () => {
    await start();
    const common = ['--url', url, '--token', 't', '--read', 'none'];
    const sameNode = parseOptions([...common, '--node', `test-${process.pid}-${runs}`, '--spool', `${home}-b`], {});
    await expect(startCollector(sameNode, log)).rejects.toThrow(LockedError);
    const sameSpool = parseOptions([...common, '--node', `other-${process.pid}`, '--spool', home], {});
    await expect(startCollector(sameSpool, log)).rejects.toThrow('another collector uses this spool');
    await running?.stop(100);
    await start();
  });

  it('is ready while disk and server take what is read, and says why when not', async () => {
    server.reply = () => [401];
    writeFileSync(file(), text(0, 1));
    const { statusUrl } = await start('--status', '127.0.0.1:0');
    await until(() => server.requestedAt.length > 0);
    const ready = async () => (await fetch(`${statusUrl}/readyz`)).status;
    for (const end = Date.now() + 5_000; (await ready()) !== 503 && Date.now() < end;);
    expect(await ready()).toBe(503);
    server.reply = () => [202];
    for (const end = Date.now() + 10_000; (await ready()) !== 200 && Date.now() < end;);
    expect(await ready()).toBe(200);
    const metrics = await (await fetch(`${statusUrl}/metrics`)).text();
    expect(metrics).toContain('whydrop_collector_records_total{stream="log",process="collector"} 1');
    expect(metrics).toMatch(/whydrop_spool_bytes\{process="collector"\} \d+/);
  });

  it('leaves nothing of its own behind but the spool', async () => {
    await start();
    await running?.stop(100);
    expect(existsSync(path.join(home, 'lock'))).toBe(false);
  });
});
