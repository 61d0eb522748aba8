import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
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

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000, query_timeout: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('CREATE TEMPORARY TABLE room AS SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
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

  /** Starts it again if it ended by itself. While it makes up its mind it answers nothing. */
  async revive(): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
      if (this.pids().length === 0) return this.start();
      if (await answers(this.url)) return;
    }
    throw new Error('PostgreSQL neither ends nor answers');
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
