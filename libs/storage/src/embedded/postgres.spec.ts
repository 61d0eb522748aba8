import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { guard } from '@whydrop/embedded';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './postgres.js';
import { findPostmaster, STOPPING } from './postmaster.js';

let dataDir: string;
const started: EmbeddedPostgres[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));
});

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, unsafeFast: true, ...options });
  started.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}

const running = () => findPostmaster(path.join(dataDir, 'data')) !== undefined;

describe('embedded PostgreSQL', () => {
  it('starts, keeps its data and its port over a restart, and leaves no process behind', async () => {
    const lines: string[] = [];
    const first = await start({ log: (line) => lines.push(line) });
    expect(first.reused).toBe(false);
    await query(first.url, 'CREATE TABLE kept AS SELECT 17 AS value');
    await first.stop();
    expect(running()).toBe(false);
    const second = await start({ log: (line) => lines.push(line) });
    expect(await query(second.url, 'SELECT value FROM kept')).toBe(17);
    expect(second.port).toBe(first.port);
    expect(await query(second.url, `SELECT current_setting('TimeZone') AS value`)).toBe('UTC');
    expect(lines).toEqual([
      expect.stringMatching(/^PostgreSQL 18\.\d+\.\d+ started on 127\.0\.0\.1:\d+, data in \/.+$/),
      lines[0],
    ]);
    expect(lines.join()).not.toContain(new URL(first.url).password);
  });

  it('finds the server that a killed process left behind, and stops it in the end', async () => {
    const first = await start();
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    // The one who started it is gone, as far as others can see.
    rmSync(path.join(dataDir, 'users'), { recursive: true });
    mkdirSync(path.join(dataDir, 'users'));
    writeFileSync(path.join(dataDir, 'users', `${dead.pid}.1`), '');
    const second = await start();
    expect(second).toMatchObject({ reused: true, url: first.url });
    expect(await query(second.url, 'SELECT 1 AS value')).toBe(1);
    await second.stop();
    expect(running()).toBe(false);
  });

  it('is one server however many start it at once, and runs until the last one stops', async () => {
    const servers = await Promise.all([start(), start(), start()]);
    expect(new Set(servers.map((server) => server.url)).size).toBe(1);
    await Promise.all(servers.slice(1).map((server) => server.stop()));
    expect(await query(servers[0]?.url ?? '', 'SELECT 1 AS value')).toBe(1);
    await servers[0]?.stop();
    expect(running()).toBe(false);
  }, 120_000);

  it('takes another port when the remembered one is taken, and says so when the port was asked for', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const { port } = other.address() as { port: number };
      writeFileSync(path.join(dataDir, 'port'), String(port));
      const server = await start();
      expect(server.port).not.toBe(port);
      await server.stop();
      await expect(start({ port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
      expect(running()).toBe(false);
    } finally {
      other.close();
    }
  });

  it('wants its password', async () => {
    const { url } = await start();
    const wrong = Object.assign(new URL(url), { password: 'guessed' }).href;
    await expect(query(wrong, 'SELECT 1 AS value')).rejects.toThrow(/password authentication failed/);
    expect(statSync(path.join(dataDir, 'data')).mode & 0o077).toBe(0);
  });

  it('does not take a foreign process for its server when a pid was given out again', async () => {
    const server = await start();
    await server.stop();
    writeFileSync(path.join(dataDir, 'data', 'postmaster.pid'), `${process.pid}\n${dataDir}/data\n1\n${server.port}\n`);
    expect(running()).toBe(false);
    expect((await start()).reused).toBe(false);
  });

  it('removes an ephemeral folder', async () => {
    const server = await start({ ephemeral: true });
    await server.stop();
    expect(existsSync(dataDir)).toBe(false);
  });

  it('has a guard that stops and removes an ephemeral server when our end of its pipe is closed, as by kill -9', async () => {
    await start();
    guard(dataDir, STOPPING).stdin?.destroy();
    for (
      const end = Date.now() + 10_000;
      existsSync(dataDir);
      await new Promise((resolve) => setTimeout(resolve, 20))
    ) {
      if (Date.now() > end) throw new Error('it is still there');
    }
    expect(running()).toBe(false);
    started.length = 0;
  });

  if (process.getuid?.() === 0) {
    it('says so when the user who runs it for root cannot enter the folder', async () => {
      chmodSync(dataDir, 0o700);
      await expect(start({ dataDir: path.join(dataDir, 'below') })).rejects.toThrow(
        /who runs PostgreSQL for root, cannot enter .*below: set WHYDROP_DATA/,
      );
    });
  }

  it('names the folder that is not a data directory of ours', async () => {
    mkdirSync(path.join(dataDir, 'data'));
    writeFileSync(path.join(dataDir, 'data', 'PG_VERSION'), '18\n');
    await expect(start()).rejects.toThrow(`PostgreSQL with data in ${dataDir}/data does not start`);
  });
});
