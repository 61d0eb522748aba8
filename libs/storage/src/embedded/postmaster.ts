import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stopping } from '@whydrop/embedded';

/** How the guard stops the server of an ephemeral folder: at once, what it holds is thrown away. */
export const STOPPING: Stopping = { pidFile: 'data/postmaster.pid', signal: 'INT' };

/** A running server, as its postmaster.pid tells. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

function commandLine(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/**
 * The server of a data directory, if one runs. Lines of postmaster.pid: pid, data directory, start, port, …
 * A pid that meanwhile belongs to another program does not count: its command line does not name the directory.
 */
export function findPostmaster(data: string): Postmaster | undefined {
  let lines: readonly string[];
  try {
    lines = readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!(pid > 0) || !(port > 0) || !commandLine(pid).includes(data)) return undefined;
  return { pid, port };
}

async function gone(data: string, milliseconds: number): Promise<boolean> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(10)) {
    if (!findPostmaster(data)) return true;
  }
  return false;
}

/** Fast shutdown: sessions are ended, everything is written. What does not stop in 30 s is stopped hard (and recovers at its next start). */
export async function stopPostmaster(data: string): Promise<void> {
  const signals: readonly (readonly [NodeJS.Signals, number])[] = [
    ['SIGINT', 30_000],
    ['SIGQUIT', 5_000],
  ];
  for (const [signal, milliseconds] of signals) {
    const server = findPostmaster(data);
    if (!server) return;
    try {
      process.kill(server.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    if (await gone(data, milliseconds)) return;
  }
  throw new Error(`PostgreSQL with data in ${data} does not stop`);
}
