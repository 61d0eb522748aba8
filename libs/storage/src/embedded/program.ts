import { execFile } from 'node:child_process';
import type { ServerUser } from './server-user.js';

/** What a program of the server needs of our environment: little, and messages in English. */
export const PROGRAM_ENV = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };

export type ProgramResult = { readonly ok: true } | { readonly ok: false; readonly output: string };

/** Runs a program to its end as `user`, with `cwd` as working directory. */
export function runProgram(
  file: string,
  args: readonly string[],
  cwd: string,
  user: ServerUser | undefined,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env: PROGRAM_ENV, ...user }, (error, stdout, stderr) => {
      resolve(error ? { ok: false, output: (stderr || stdout || error.message).trim() } : { ok: true });
    });
  });
}
