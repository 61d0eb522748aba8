import { type ChildProcess, spawn } from 'node:child_process';

// Waits until our end of the pipe is closed, which the kernel does whatever kills us.
const SCRIPT = `cat
pid=$(cat "$1/redis.pid" 2>/dev/null) && kill -TERM "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
rm -rf "$1"`;

/** Stops and removes an ephemeral server when this process ends without having done so, even by kill -9. */
export function guard(dir: string): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', dir], {
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
