import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { guard } from '@whydrop/embedded';
import { testRedisProgram } from '@whydrop/testing';
import { Redis } from 'ioredis';
import { openQueue } from '../queue.js';
import { startWorker } from '../worker.js';
import { provideJobs } from '../provide.js';
import { STOPPING } from './config.js';
import { findRedisProgram } from './program.js';
import { startRedis, type RedisServer } from './server.js';

let dataDir: string;
const started: RedisServer[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'whydrop-test-'));
});

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function call<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { disconnectTimeout: 100, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

const program = testRedisProgram();

describe('where a Redis server is looked for', () => {
  it('on PATH, by both names', () => {
    expect(findRedisProgram('')).toBeUndefined();
    writeFileSync(path.join(dataDir, 'valkey-server'), '', { mode: 0o755 });
    writeFileSync(path.join(dataDir, 'redis-server'), '', { mode: 0o644 });
    expect(findRedisProgram(dataDir)).toMatch(/(redis|valkey)-server$/);
  });

  it('none: PostgreSQL keeps the jobs, unless Redis was asked for', async () => {
    const lines: string[] = [];
    const wanted = { dataHome: dataDir, databaseUrl: 'postgres://h/d', searchPath: '' };
    const { backend } = await provideJobs({ ...wanted, log: (line) => lines.push(line) });
    expect(backend).toEqual({ kind: 'postgres', url: 'postgres://h/d' });
    expect(lines).toEqual([expect.stringContaining('apt-get install redis-server')]);
    await expect(provideJobs({ ...wanted, only: 'redis' })).rejects.toThrow(/no Redis server is installed: apt-get/);
  });

  it('REDIS_URL is taken as it is, and its password is not shown', async () => {
    const lines: string[] = [];
    const wanted = { dataHome: dataDir, databaseUrl: 'postgres://h/d', redisUrl: 'redis://:secret@r:6379/2' };
    const { backend } = await provideJobs({ ...wanted, log: (line) => lines.push(line) });
    expect(backend).toEqual({ kind: 'redis', url: 'redis://:secret@r:6379/2' });
    expect(lines).toEqual(['jobs are kept in Redis of REDIS_URL: r:6379']);
    const only = await provideJobs({ ...wanted, only: 'postgres' });
    expect(only.backend.kind).toBe('postgres');
  });
});

if (program !== undefined) {
  const start = async (): Promise<RedisServer> => {
    const server = await startRedis({ program, dataDir });
    started.push(server);
    return server;
  };

  describe('a Redis server of our own', () => {
    it('keeps what it was told over a restart, never evicts, and wants its password', async () => {
      const first = await start();
      expect(first.reused).toBe(false);
      await call(first.url, (redis) => redis.set('kept', '17'));
      await first.stop();
      await expect(call(first.url, (redis) => redis.ping())).rejects.toThrow();
      const second = await start();
      expect(second.url).toBe(first.url);
      expect(await call(second.url, (redis) => redis.get('kept'))).toBe('17');
      expect(await call(second.url, (redis) => redis.config('GET', 'maxmemory-policy'))).toEqual([
        'maxmemory-policy',
        'noeviction',
      ]);
      const { host } = new URL(second.url);
      await expect(call(`redis://${host}`, (redis) => redis.ping())).rejects.toThrow(/NOAUTH/);
      expect(statSync(path.join(dataDir, 'redis.conf')).mode & 0o077).toBe(0);
    });

    it('is one server however many start it at once, and runs until the last one stops', async () => {
      const servers = await Promise.all([start(), start(), start(), start()]);
      expect(new Set(servers.map((server) => server.url)).size).toBe(1);
      expect(servers.filter((server) => !server.reused)).toHaveLength(1);
      const [first, ...others] = servers;
      await Promise.all(others.map((server) => server.stop()));
      expect(await call(first?.url ?? '', (redis) => redis.ping())).toBe('PONG');
      await first?.stop();
      await expect(call(first?.url ?? '', (redis) => redis.ping())).rejects.toThrow();
    });

    it('finds the server that a killed process left behind, and stops it in the end', async () => {
      const first = await start();
      rmSync(path.join(dataDir, 'users'), { recursive: true }); // the first user was killed, as far as others can see
      const second = await start();
      expect(second).toMatchObject({ reused: true, url: first.url });
      await second.stop();
      await expect(call(second.url, (redis) => redis.ping())).rejects.toThrow();
    });

    it('takes another port when somebody else has its own, and leaves that server alone', async () => {
      const first = await start();
      await first.stop();
      const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      other.listen(Number(new URL(first.url).port), '127.0.0.1');
      await once(other, 'listening');
      try {
        const second = await start();
        expect(new URL(second.url).port).not.toBe(String((other.address() as AddressInfo).port));
        expect(await call(second.url, (redis) => redis.ping())).toBe('PONG');
      } finally {
        other.close();
      }
    });

    it('says why it does not start', async () => {
      writeFileSync(path.join(dataDir, 'appendonlydir'), 'in the way of the folder');
      await expect(start()).rejects.toThrow(/does not start: it ended with 1/);
      expect(readFileSync(path.join(dataDir, 'redis.conf'), 'utf8')).toContain('appendonly yes');
    });

    it('has a guard that stops and removes an ephemeral server when our end of its pipe is closed, as by kill -9', async () => {
      const server = await start();
      guard(dataDir, STOPPING).stdin?.destroy();
      for (const end = Date.now() + 10_000; existsSync(dataDir);) {
        if (Date.now() > end) throw new Error('it is still there');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await expect(call(server.url, (redis) => redis.ping())).rejects.toThrow();
      started.length = 0;
    });

    it('removes an ephemeral folder', async () => {
      const server = await startRedis({ program, dataDir, ephemeral: true });
      await server.stop();
      expect(existsSync(dataDir)).toBe(false);
    });
  });

  describe('when Redis goes away and comes back', () => {
    it('a producer fails at once and then goes on, a worker goes on, both close while it is away', async () => {
      const first = await start();
      const backend = { kind: 'redis', url: first.url } as const;
      const queue = openQueue(backend, 'q');
      const seen: string[] = [];
      const worker = startWorker(backend, 'q', async (job) => void seen.push(job.id));
      await queue.enqueue('a', 'before-1', {});
      await first.stop();
      const since = Date.now();
      await expect(queue.enqueue('a', 'away-1', {})).rejects.toThrow();
      expect(Date.now() - since).toBeLessThan(500);

      const second = await start();
      for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        if (Date.now() > end) throw new Error('the producer does not go on');
        if (
          await queue.enqueue('a', 'after-1', {}).then(
            () => true,
            () => false,
          )
        )
          break;
      }
      for (const end = Date.now() + 10_000; !seen.includes('after-1');) {
        if (Date.now() > end) throw new Error('the worker does not go on');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await second.stop();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const closing = Date.now();
      await queue.close();
      await worker.close();
      expect(Date.now() - closing).toBeLessThan(1_000);
    });

    it('a worker that closes while it is away waits for its running job, not for Redis', async () => {
      const server = await start();
      const backend = { kind: 'redis', url: server.url } as const;
      const queue = openQueue(backend, 'q');
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      let running: () => void = () => undefined;
      const underWay = new Promise<void>((resolve) => (running = resolve));
      let finished = false;
      const worker = startWorker(backend, 'q', async () => {
        running();
        await gate;
        finished = true;
      });
      await queue.enqueue('a', 'job-1', {});
      await underWay;
      await server.stop();
      await new Promise((resolve) => setTimeout(resolve, 300));
      let closed = false;
      const closing = worker.close().then(() => (closed = true));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(closed).toBe(false);
      release();
      await closing;
      expect(finished).toBe(true);
      await queue.close();
    });

    it('a producer that was opened while it was away takes jobs later', async () => {
      const first = await start();
      await first.stop();
      const queue = openQueue({ kind: 'redis', url: first.url }, 'q');
      await expect(queue.enqueue('a', 'away-1', {})).rejects.toThrow('Redis cannot be reached');
      await start();
      for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        if (Date.now() > end) throw new Error('the producer does not go on');
        if (
          await queue.enqueue('a', 'after-1', {}).then(
            () => true,
            () => false,
          )
        )
          break;
      }
      expect((await queue.counts()).waiting).toBe(1);
      await queue.close();
    });
  });
}
