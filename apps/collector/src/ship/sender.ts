import type { Lease } from '../spool/chain.js';
import type { BatchHead } from '../spool/record.js';
import type { Spool } from '../spool/spool.js';
import { pauseMs } from './backoff.js';
import type { Answer } from './post.js';

export interface SenderOptions {
  readonly spool: Spool;
  readonly post: (body: Buffer) => Promise<Answer>;
  readonly inFlight: number;
  /** Keeps a batch aside that the server will never take, and reports it. Rejects when the disk does not take it. */
  readonly refuse: (head: BatchHead, body: Buffer, reason: string) => Promise<void>;
  /** A batch that was on the disk and cannot be read any more. */
  readonly damaged: (head: BatchHead) => Promise<void>;
  readonly onAnswer?: (answer: Answer, head: BatchHead) => void;
  readonly random?: () => number;
}

/** Brings batches from the spool to the server, several at a time, until the server has acknowledged each of them. */
export class Sender {
  /** Why nothing gets through; undefined while the last batch did. */
  trouble: string | undefined;
  private readonly flying = new Set<Promise<void>>();
  private failures = 0;
  /** Nothing is tried before these, by the steady clock: the system's may be set at any time. */
  private notBefore = 0;
  private askedNotBefore = 0;
  private stopped = false;
  private wake: (() => void) | undefined;
  private nudged = false;
  private loop: Promise<void> | undefined;

  constructor(private readonly options: SenderOptions) {}

  start(): void {
    this.loop = this.run();
  }

  /** There is something new in the spool. */
  nudge(): void {
    this.nudged = true;
    this.wake?.();
  }

  private async rest(ms: number): Promise<void> {
    if (!this.nudged) await this.asleep(ms);
    this.nudged = false;
  }

  private asleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const wait = this.waitMs();
      // After a failure one batch tries whether the server is back, not all at once.
      const wide = this.failures > 0 ? 1 : this.options.inFlight;
      if (wait > 0) await this.pause(wait);
      else if (this.flying.size >= wide) await Promise.race(this.flying);
      else await this.sendNext();
    }
  }

  private waitMs(): number {
    return Math.max(this.notBefore, this.askedNotBefore) - performance.now();
  }

  private async pause(ms: number): Promise<void> {
    const until = performance.now() + ms;
    // What came meanwhile with success ends the pause.
    while (!this.stopped && performance.now() < until && this.waitMs() > 0)
      await this.asleep(until - performance.now());
  }

  private async sendNext(): Promise<void> {
    const lease = await this.options.spool.next().catch((error: Error) => void (this.trouble = error.message));
    if (!lease) return this.rest(1_000);
    // What says "nothing was lost until now" goes when everything before it has arrived.
    if (lease.entry.head.stream === 'coverage') await Promise.all(this.flying);
    if (this.stopped || this.waitMs() > 0) return this.options.spool.giveBack(lease);
    const sent = this.send(lease).finally(() => this.flying.delete(sent));
    this.flying.add(sent);
  }

  private async send(lease: Lease): Promise<void> {
    const { spool } = this.options;
    const { head } = lease.entry;
    try {
      const body = await spool.body(lease);
      if (!body) {
        await this.options.damaged(head);
        return spool.acknowledge(lease);
      }
      const answer = await this.options.post(body);
      this.options.onAnswer?.(answer, head);
      if (answer.kind === 'later') return this.later(lease, answer.reason, answer.afterMs);
      if (answer.kind === 'refused') await this.options.refuse(head, body, answer.reason);
      this.through();
      spool.acknowledge(lease);
    } catch (error) {
      this.later(lease, (error as Error).message, undefined);
    }
  }

  /** The server is back; what it asked for before holds. */
  private through(): void {
    this.failures = 0;
    this.trouble = undefined;
    this.notBefore = 0;
    this.wake?.();
  }

  private later(lease: Lease, reason: string, asked: number | undefined): void {
    this.options.spool.giveBack(lease);
    this.trouble = reason;
    this.failures++;
    const pause = pauseMs(this.failures, asked, (this.options.random ?? Math.random)());
    const until = performance.now() + pause;
    if (asked === undefined) this.notBefore = Math.max(this.notBefore, until);
    else this.askedNotBefore = Math.max(this.askedNotBefore, until);
  }

  /** Sends no more; what is on its way may arrive within `ms`. */
  async stop(ms: number): Promise<void> {
    this.stopped = true;
    this.nudge();
    await Promise.race([this.loop, new Promise((resolve) => setTimeout(resolve, ms).unref())]);
    await Promise.race([Promise.all(this.flying), new Promise((resolve) => setTimeout(resolve, ms).unref())]);
  }

  /** Waits until the spool is empty, but not longer than `ms`. */
  async drain(ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    while (this.options.spool.open > 0 && performance.now() < until) {
      this.nudge();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.options.spool.open === 0;
  }
}
