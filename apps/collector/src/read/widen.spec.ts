import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { endChild, runTool, startChild, whereIs } from './child.js';
import { Fifo } from './fifo.js';
import { widen } from './widen.js';

const BYTES = 8 * 1024 * 1024;
const needed = ['conntrack', 'unshare', 'nsenter', 'ss', 'perl'];
const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...needed.filter((program) => whereIs(program) === undefined),
];

describe('the buffer of a tool that reads from the kernel', () => {
  if (missing.length > 0 && process.env['CI'] !== 'true') {
    it('needs real tools', () => {
      console.log(`widen: left out, because there is no ${missing.join(', no ')}`);
      expect(missing).not.toEqual([]);
    });
    return;
  }

  const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-widen-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is as large as asked, on the socket that events come by too', async () => {
    const fifo = await Fifo.make(path.join(folder, 'fifo'));
    const end = await fifo.writingEnd();
    // A network namespace of its own, in which nothing happens.
    const words = ['unshare', '--net', 'conntrack', '-E', '-b', String(BYTES)];
    const child = startChild(words, ['ignore', end.fd, 'ignore']);
    await end.close();
    const pid = child.pid ?? 0;
    // Receive buffers of its netfilter sockets (protocol 12); 12:0 is the kernel's own end.
    const buffers = async () => {
      const { stdout } = await runTool(['nsenter', '-t', String(pid), '-n', 'ss', '-f', 'netlink', '-anm']);
      return [...stdout.toString().matchAll(/ 12:-?[1-9]\d* .*\brb(\d+)/g)].map(([, size]) => Number(size));
    };
    try {
      for (let tries = 0; new Set(await buffers()).size < 2 && tries < 50; tries++) await wait(50);
      expect((await buffers()).filter((size) => size < BYTES)).not.toEqual([]);
      expect(await widen(pid, BYTES, fifo.path)).toBe(2);
      expect((await buffers()).filter((size) => size < BYTES)).toEqual([]);
    } finally {
      await endChild(child);
      await fifo.close();
    }
  });

  it('nothing is done to a process that is not there', async () => {
    expect(await widen(2 ** 22 + 1, BYTES, path.join(folder, 'none'))).toBe(0);
  });
});
