import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type RunningCollector, startCollector } from './collector.js';
import { parseOptions } from './options.js';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Whether the kernel's rules can be looked at: their texts stand still here, so that all but the first are told. */
function hasRules(): boolean {
  try {
    execFileSync('nft', ['-j', 'list', 'ruleset'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] === 'true') throw new Error('the test needs nft and root', { cause: error });
    process.stderr.write('what becomes of pictures that were lost is left out: it needs nft and root\n');
    return false;
  }
}

interface Picture {
  readonly stream: string;
  readonly sequence: number;
  readonly base?: number;
}

/** What of the pictures was taken; what is not taken is answered as `answer` says. */
class Server {
  readonly asked: Picture[] = [];
  readonly taken: Picture[] = [];
  /** Reports of what was dropped. */
  gaps = 0;
  answer: (picture: Picture) => number = () => 202;
  private readonly server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [head = ''] = gunzipSync(Buffer.concat(chunks)).toString().split('\n');
      const picture = JSON.parse(head) as Picture;
      const isPicture = picture.stream === 'nft.json';
      if (isPicture) this.asked.push(picture);
      if (picture.stream === 'gaps') this.gaps++;
      const status = isPicture ? this.answer(picture) : 202;
      if (isPicture && status === 202) this.taken.push(picture);
      response.writeHead(status).end('{}');
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

  /** A whole one after the first, and one that was told by it. */
  get goesOn(): boolean {
    const fresh = this.taken.find(({ base, sequence }) => base === undefined && sequence > 0);
    return fresh !== undefined && this.taken.some(({ base }) => base === fresh.sequence);
  }
}

async function until(done: () => boolean, ms = 30_000): Promise<void> {
  for (const end = Date.now() + ms; !done(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error('it did not come');
  }
}

const home = mkdtempSync(path.join(tmpdir(), 'whydrop-told-'));
let server: Server;
let running: RunningCollector;

async function start(...words: string[]): Promise<void> {
  const spool = ['--spool', mkdtempSync(path.join(home, 'spool-'))];
  const common = ['--url', await server.listen(), '--token', 't', '--node', `told-${process.pid}`, '--flush-ms', '20'];
  running = await startCollector(parseOptions([...common, ...spool, '--read', 'nft', ...words], {}), log);
}

beforeEach(() => (server = new Server()));

afterEach(async () => {
  await running.stop(100);
  server.close();
});

afterAll(() => rmSync(home, { recursive: true }));

describe.each(hasRules() ? ['nft'] : [])('pictures of %s', () => {
  it('are told by another one when the server refused the first', async () => {
    server.answer = ({ sequence }) => (sequence === 0 ? 400 : 202);
    await start('--interval', '200ms');
    await until(() => server.goesOn);
  });

  it('come whole when the server does not take them otherwise', async () => {
    server.answer = ({ base }) => (base === undefined ? 202 : 400);
    await start('--interval', '200ms');
    await until(() => server.taken.length >= 4);
    const lastTold = server.asked.findLastIndex(({ base }) => base !== undefined);
    expect(lastTold).toBeGreaterThan(0);
    expect(server.asked.slice(lastTold + 1).length).toBeGreaterThanOrEqual(2);
  });

  it('are told by another one when a full spool dropped the first', async () => {
    server.answer = () => 503;
    await start('--interval', '50ms', '--spool-size', '16k');
    await until(() => server.gaps > 0);
    server.answer = () => 202;
    await until(() => server.goesOn);
    expect(server.taken.every(({ sequence }) => sequence > 0)).toBe(true);
  }, 90_000);
});
