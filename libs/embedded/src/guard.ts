import { type ChildProcess, spawn } from 'node:child_process';

/** How to stop a server of which only its folder is known. */
export interface Stopping {
  /** File below the folder whose first line is the server's process id. */
  readonly pidFile: string;
  readonly signal: 'TERM' | 'INT';
}

// Waits until our end of the pipe is closed, which the kernel does whatever kills us.
const SCRIPT = `cat
pid=$(head -n 1 "$1/$2" 2>/dev/null) && kill -s "$3" "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
rm -rf "$1"`;

/** Stops and removes an ephemeral server when this process ends without having done so, even by kill -9. */
export function guard(dir: string, { pidFile, signal }: Stopping): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', dir, pidFile, signal], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined); // no shell: then it is only a folder in the temporary directory
  child.stdin?.on('error', () => undefined);
  (child.stdin as unknown as { unref(): void } | null)?.unref();
  child.unref();
  return child;
}
