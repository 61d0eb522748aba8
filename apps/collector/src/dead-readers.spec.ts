import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RunningCollector, startCollector } from './collector.js';
import { parseOptions } from './options.js';

const folder = mkdtempSync(path.join(tmpdir(), 'whydrop-dead-readers-'));
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const server = http.createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(202).end('{}'));
});
const searched = process.env['PATH'] ?? '';
let running: RunningCollector | undefined;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterEach(() => running?.stop(500));
afterAll(() => {
  process.env['PATH'] = searched;
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Puts programs of this name in front of those of the machine. */
function program(name: string, script: string): void {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(bin, name), 0o755);
  process.env['PATH'] = `${bin}:${searched}`;
}

async function start(read: string): Promise<string> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const node = `dead-${process.pid}-${read}`;
  const common = ['--url', url, '--token', 't', '--node', node, '--spool', path.join(folder, read)];
  const words = [...common, '--read', read, '--interval', '1s', '--status', '127.0.0.1:0'];
  running = await startCollector(parseOptions(words, {}), log);
  return running.statusUrl ?? '';
}

/** Asks until the answer is of this kind; gives what it says. */
async function answer(url: string, status: number): Promise<string> {
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const response = await fetch(`${url}/readyz`);
    const text = await response.text();
    if (response.status === status) return text;
  }
  throw new Error(`/readyz never said ${status}`);
}

const up = async (url: string, reader: string): Promise<string | undefined> =>
  (await (await fetch(`${url}/metrics`)).text())
    .split('\n')
    .find((line) => line.startsWith('whydrop_reader_up{') && line.includes(`reader="${reader}"`))
    ?.split(' ')[1];

it('a conntrack that only ends makes the collector not ready, by name, until it works', async () => {
  program('conntrack', 'echo "not permitted" >&2; exit 1');
  const url = await start('conntrack');
  expect(await answer(url, 503)).toContain('conntrack.log: the tool ended (not permitted exit code 1)');
  expect(await up(url, 'conntrack.log')).toBe('0');
  program('conntrack', 'case "$*" in *-E*) exec sleep 60; esac');
  await answer(url, 200);
  expect(await up(url, 'conntrack.log')).toBe('1');
});

it('names each picture that cannot be taken', async () => {
  program('ipset', 'echo "no ipset here" >&2; exit 1');
  program('iptables-save', 'echo "no iptables here" >&2; exit 1');
  const url = await start('ipset,iptables');
  for (let said = ''; !said.includes('no ipset here') || !said.includes('no iptables here');) {
    said = await answer(url, 503);
  }
  expect(await up(url, 'ipset.save')).toBe('0');
});
