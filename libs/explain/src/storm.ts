import { T0 } from './fixture.js';
import { nflogLine } from './shop.js';

/** Fifty thousand drops a second, source ports in turn: a port comes again after more than a second. */
function momentOf(i: number): readonly [seconds: number, micros: number, port: number] {
  const micros = i * 20;
  return [T0 / 1e6 + 1 + Math.floor(micros / 1e6), micros % 1e6, 1024 + (i % 60_000)];
}

/** The line by which the pod's node logs a drop. */
export function logged(i: number): string {
  const [seconds, micros, port] = momentOf(i);
  return nflogLine({ seconds, micros, port, sequence: i });
}

/** The line by which the client's node tells of the same attempt. */
export function unanswered(i: number): string {
  const [seconds, micros, port] = momentOf(i);
  const ends = `src=10.1.1.7 dst=10.1.2.9 sport=${port} dport=8080 [UNREPLIED] src=10.1.2.9 dst=10.1.1.7 sport=8080 dport=${port}`;
  return `[${seconds}.${String(micros).padStart(6, '0')}]\t    [NEW] tcp      6 120 SYN_SENT ${ends} id=${i}\n`;
}
