import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { smallDisk } from '../test/small-disk.js';
import { type RunningCollector, startCollector } from './collector.js';
import { parseOptions } from './options.js';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Takes batches, or is away. */
class Server {
  away = true;
  readonly lines = new Map<string, readonly string[]>();
  private readonly server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [head = '', ...lines] = gunzipSync(Buffer.concat(chunks)).toString().trimEnd().split('\n');
      const { stream, epoch, sequence } = JSON.parse(head) as { stream: string; epoch: number; sequence: number };
      if (!this.away && stream === 'log') this.lines.set(`${epoch}/${sequence}`, lines);
      response.writeHead(this.away ? 503 : 202).end('{}');
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get received(): readonly string[] {
    return [...this.lines.values()].flat().toSorted();
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function until(done: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !(await done()); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

const disk = smallDisk('size=1m,nr_inodes=64');
let server: Server;
let running: RunningCollector | undefined;

beforeEach(() => (server = new Server()));

afterEach(async () => {
  await running?.stop(100);
  running = undefined;
  server.close();
});

afterAll(() => {
  if (disk === undefined) return;
  execFileSync('umount', ['-l', disk]);
  rmSync(disk, { recursive: true });
});

function followed(url: string, spool: string) {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'whydrop-followed-')), 'log');
  const words = ['--url', url, '--token', 't', '--node', `full-${process.pid}`, '--read', 'none', '--flush-ms', '20'];
  const own = ['--spool', spool, '--follow-file', `log:conntrack-events:${file}`];
  return { file, options: parseOptions([...words, ...own, '--status', '127.0.0.1:0'], {}) };
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `record ${String(from + at).padStart(3, '0')}`);
const text = (from: number, to: number) => `${numbered(from, to).join('\n')}\n`;
const ready = async () => (await fetch(`${running?.statusUrl}/readyz`)).status;

it.each(disk === undefined ? [] : [disk])(
  'a collector that starts on a full disk sends what it has, is not ready, and reads on when there is room',
  async (home) => {
    const { file, options } = followed(await server.listen(), path.join(home, 'spool'));
    writeFileSync(file, text(0, 50));
    running = await startCollector(options, log);
    const spooled = () => readdirSync(path.join(home, 'spool')).some((name) => name.startsWith('flows-'));
    await until(spooled);
    await running.stop(100);
    const filling = path.join(home, 'filling');
    expect(() => writeFileSync(filling, Buffer.alloc(2 * 2 ** 20))).toThrow('ENOSPC');

    running = await startCollector(options, log);
    expect(await ready()).toBe(503);
    server.away = false;
    await until(() => server.received.length === 50, 20_000);
    appendFileSync(file, text(50, 100));
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await ready()).toBe(503);
    expect(server.received).toEqual(numbered(0, 50));

    rmSync(filling);
    await until(async () => (await ready()) === 200);
    await until(() => server.received.length >= 100);
    expect(server.received).toEqual(numbered(0, 100));
    rmSync(path.dirname(file), { recursive: true });
  },
  40_000,
);

it.each(disk === undefined ? [] : [disk])(
  'a collector whose spool is not there yet runs on a full disk, is not ready, and reads when there is room',
  async (home) => {
    const spool = path.join(home, 'not', 'there');
    const { file, options } = followed(await server.listen(), spool);
    server.away = false;
    writeFileSync(file, text(0, 50));
    const filling: string[] = [];
    const fill = () => {
      for (let at = 0; ; at++) {
        writeFileSync(path.join(home, `file-${at}`), '');
        filling.push(path.join(home, `file-${at}`));
      }
    };
    expect(fill).toThrow('ENOSPC');
    expect(() => mkdirSync(spool, { recursive: true })).toThrow('ENOSPC');

    running = await startCollector(options, log);
    expect(await ready()).toBe(503);
    appendFileSync(file, text(50, 100));
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await ready()).toBe(503);
    expect(server.received).toEqual([]);

    for (const each of filling) rmSync(each);
    await until(async () => (await ready()) === 200);
    await until(() => server.received.length >= 100);
    expect(server.received).toEqual(numbered(0, 100));
    await expect(startCollector({ ...options, node: `beside-${process.pid}` }, log)).rejects.toThrow(
      'another collector uses this spool',
    );
    rmSync(path.dirname(file), { recursive: true });
  },
  40_000,
);
