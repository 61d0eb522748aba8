import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../libs/storage/src/embedded/postgres.js';
import { findPostmaster } from '../../libs/storage/src/embedded/postmaster.js';

function childrenOf(pid: number): readonly number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A PostgreSQL with honest fsync on a folder and a port of its own, which can be killed with all its processes. */
export class PostgresServer {
  private handles: EmbeddedPostgres[] = [];

  constructor(private readonly dir: string) {}

  async start(): Promise<void> {
    const [first] = this.handles;
    this.handles.push(await startEmbeddedPostgres({ dataDir: this.dir, ...(first && { port: first.port }) }));
  }

  private get first(): EmbeddedPostgres {
    const [first] = this.handles;
    if (!first) throw new Error('PostgreSQL was not started');
    return first;
  }

  get url(): string {
    return this.first.url;
  }

  get port(): number {
    return this.first.port;
  }

  private pids(): readonly number[] {
    const server = findPostmaster(this.data);
    return server ? [server.pid, ...childrenOf(server.pid)] : [];
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    for (const pid of this.pids()) send(pid, signal);
  }

  /** kill -9 of the postmaster and every process of it: what was not on disk is gone. */
  async kill(): Promise<void> {
    const pids = this.pids();
    for (const pid of pids) send(pid, 'SIGSTOP');
    // Backends that were forked meanwhile are found now that nothing forks any more.
    for (const pid of new Set([...pids, ...this.pids()])) send(pid, 'SIGKILL');
    while (this.pids().length > 0) await sleep(10);
  }

  private get data(): string {
    return path.join(this.dir, 'data');
  }

  /** A copy of its data as a crash leaves them. */
  async copy(): Promise<void> {
    await this.kill();
    execFileSync('cp', ['-a', this.data, `${this.data}.copy`]);
    await this.start();
  }

  /** Sets the data back to the copy. */
  async restore(): Promise<void> {
    await this.kill();
    rmSync(this.data, { recursive: true });
    execFileSync('cp', ['-a', `${this.data}.copy`, this.data]);
    await this.start();
  }

  async stop(): Promise<void> {
    for (const handle of this.handles.splice(0)) await handle.stop();
  }
}
