import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { ServerProcess } from './server-process.js';

/** A Redis on a folder and a port of its own. Without the append-only file it comes back empty. */
export class RedisServer extends ServerProcess {
  private readonly client: Redis;

  constructor(
    program: string,
    private readonly dir: string,
    readonly port: number,
    appendOnly: boolean,
  ) {
    mkdirSync(dir, { recursive: true });
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''];
    const more = ['--appendonly', appendOnly ? 'yes' : 'no', '--maxmemory-policy', 'noeviction'];
    super({ name: 'redis', command: program, args: [...settings, ...more], env: process.env, log: `${dir}.log` }, 100);
    this.client = new Redis(port, '127.0.0.1', { lazyConnect: true, maxRetriesPerRequest: 1 });
    this.client.on('error', () => undefined);
  }

  async ready(): Promise<void> {
    for (const end = Date.now() + 10_000; Date.now() < end; await sleep(50)) {
      if ((await this.client.ping().catch(() => '')) === 'PONG') return;
    }
    throw new Error('Redis does not answer');
  }

  async flush(): Promise<boolean> {
    return (await this.client.flushall().catch(() => '')) === 'OK';
  }

  /** kill -9, and whatever it had on disk is removed. */
  async killAndForget(): Promise<boolean> {
    const killed = await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
    mkdirSync(this.dir, { recursive: true });
    return killed;
  }

  override async stop(): Promise<void> {
    this.client.disconnect();
    await super.stop();
  }
}
