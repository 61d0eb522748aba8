import { main } from '../src/main.js';

/** What a command did, as somebody at a pipe sees it. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `whydrop ARGV…` in this process, without a terminal. */
export async function runWhydrop(...argv: readonly string[]): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const io = { stdout: (text: string) => void out.push(text), stderr: (text: string) => void err.push(text) };
  const code = await main(argv, { ...io, interactive: false });
  return { code, out: out.join(''), err: err.join('') };
}
