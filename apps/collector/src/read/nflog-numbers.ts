import type { Piece } from '../batch/source.js';
import type { Missed } from './command.js';

const NUMBER = /"oob\.seq\.local": ?(\d{1,10})\b/;
const SECONDS = /"oob\.time\.sec": ?(\d{1,12})\b/;
const HALF = 2 ** 31;

/**
 * Numbers that the kernel gives the packets of one NFLOG group (ulogd2's `seq_local`), from 0 for each listener, 32 bits
 * (net/netfilter/nfnetlink_log.c, `inst->seq`): a hole is as many packets as did not fit into the socket. ulogd2 itself names
 * only the first loss.
 */
export class NflogNumbers {
  private next: number | undefined;
  private lastAt: number | undefined;

  constructor(private readonly now: () => number) {}

  /** Another listener: its numbers begin anew. */
  begins(): void {
    this.next = 0;
  }

  look(bytes: Buffer, missed: Missed): Piece | undefined {
    if (bytes.length === 0) return undefined;
    for (const line of bytes.toString('latin1').split('\n')) {
      const number = NUMBER.exec(line)?.[1];
      if (number !== undefined) this.count(Number(number), SECONDS.exec(line)?.[1], missed);
    }
    return { bytes };
  }

  private count(number: number, seconds: string | undefined, missed: Missed): void {
    const at = seconds === undefined ? this.now() : Number(seconds) * 1_000;
    const records = this.next === undefined ? 0 : (number - this.next) >>> 0;
    // Back by some: somebody else began to listen.
    if (records > 0 && records < HALF) missed({ ...this.between(at), records, detail: DETAIL });
    this.next = (number + 1) >>> 0;
    this.lastAt = at;
  }

  /** The time of a packet is cut to seconds: what is missing lies before the end of that second. */
  private between(at: number): { readonly from: number; readonly to: number } {
    const to = Math.min(at + 1_000, Math.max(at, this.now()));
    return { from: Math.min(this.lastAt ?? at, to), to };
  }
}

const DETAIL = 'the kernel had no room for more packets: ulogd2 was not fast enough';
