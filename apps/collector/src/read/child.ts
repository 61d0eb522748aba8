import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Where a program is; undefined when the machine does not have it. `PATH` first, then where tools for root lie. */
export function whereIs(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':').filter((each) => each !== ''), ...FOLDERS];
  return folders
    .map((folder) => `${folder}/${program}`)
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

// Tools print local time in places; everything here is in UTC. Their words must be those that are looked for.
const environment = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };

/** Starts a tool that must not outlive this process, however that ends. */
export function startChild(command: readonly string[], stdio: StdioOptions): ChildProcess {
  const [program = '', ...args] = command;
  const file = whereIs(program) ?? program;
  const setpriv = whereIs('setpriv');
  return setpriv === undefined
    ? spawn(file, args, { stdio, env: environment })
    : spawn(setpriv, ['--pdeathsig', 'KILL', '--', file, ...args], { stdio, env: environment });
}

/** What a tool that ended by itself printed. */
export interface Ran {
  readonly stdout: Buffer;
  readonly stderr: string;
}

const LONGEST_RUN_MS = 30_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

/** Runs a tool to its end; rejects with what it said when it fails, hangs, or prints more than can be shipped. */
export function runTool(command: readonly string[], input?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = startChild(command, [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']);
    const out: Buffer[] = [];
    let size = 0;
    let stderr = '';
    const fail = (why: string) => reject(new Error(`${command.join(' ')}: ${why}`));
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN_MS);
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_OUTPUT) child.kill('SIGKILL');
      else out.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)));
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve({ stdout: Buffer.concat(out), stderr });
      else fail(stderr.trim() || `ended with ${signal ?? code}`);
    });
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** Asks a child to end, and insists after two seconds. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), 2_000);
  await ended;
  clearTimeout(insist);
  // What it started may hold its pipes open for longer than it lived.
  child.stdout?.destroy();
  child.stderr?.destroy();
}
