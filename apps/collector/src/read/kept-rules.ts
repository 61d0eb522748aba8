import { sign } from './leftovers.js';
import { FAMILIES, type Family, isNoTable, ownLines, putIn, takeOut, takeOutEverywhere } from './own-rules.js';
import type { Watch } from './reader.js';

export interface KeptRulesOptions {
  readonly spool: string;
  readonly mark: string;
  /** Chains of the raw table. */
  readonly chains: readonly string[];
  /** Which packets, and what becomes of them. */
  readonly words: readonly string[];
  readonly target: readonly string[];
  readonly watch: Watch;
  /** The stream that comes of the rules, and the channel that it covers. */
  readonly stream: string;
  readonly channel?: string | undefined;
  /** Between two looks whether they are still there, in milliseconds. */
  readonly lookMs?: number;
  readonly retryMs?: number;
}

const LOOK_MS = 30_000;
const RETRY_MS = 5_000;
const ENDING = { tries: 3, pauseMs: 300 };

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Rules of ours for the time of a reader: first the sign that they may be there, then the rules, and all away again. No
 * rule is made while an older one may be there; one that somebody takes out is made again, with the time between as a gap.
 */
export class KeptRules {
  /** When a family's rules were seen last, milliseconds since 1970. */
  private readonly seenAt = new Map<Family, number>();
  private signed = false;
  private stopped = false;
  private wake: () => void = () => undefined;
  private loop: Promise<void> = Promise.resolve();
  /** Since when all rules are there. */
  private since: number | undefined;
  trouble: string | undefined;

  constructor(private readonly options: KeptRulesOptions) {}

  start(): void {
    this.sayAlive(undefined);
    this.loop = this.run();
  }

  private async run(): Promise<void> {
    const { lookMs = LOOK_MS, retryMs = RETRY_MS } = this.options;
    while (!this.stopped) {
      this.judge(await this.lookAtAll().catch((error: Error) => [error.message]));
      if (!this.stopped) await this.pause(this.trouble === undefined ? lookMs : retryMs);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Gives why rules are missing. */
  private async lookAtAll(): Promise<readonly string[]> {
    const { spool, mark } = this.options;
    if (!this.signed) await sign(spool, mark);
    this.signed = true;
    const failures: string[] = [];
    let absent = 0;
    for (const family of FAMILIES) {
      await this.lookAt(family).catch((error: Error) => {
        if (isNoTable(error)) absent++;
        else failures.push(error.message);
      });
    }
    return absent === FAMILIES.length ? ['neither iptables nor ip6tables has a raw table'] : failures;
  }

  private judge(failures: readonly string[]): void {
    const { watch, stream } = this.options;
    const trouble = failures.length === 0 ? undefined : `${stream}: our rule is not there: ${failures.join('; ')}`;
    if (trouble !== undefined && trouble !== this.trouble) watch.warn(stream, trouble);
    this.trouble = trouble;
    this.since = trouble === undefined ? (this.since ?? watch.now()) : undefined;
    this.sayAlive(this.since);
  }

  private async lookAt(family: Family): Promise<void> {
    const { mark, chains, words, target, watch } = this.options;
    const lines = await ownLines(family, mark);
    const seenAt = this.seenAt.get(family);
    if (seenAt === undefined || lines.length !== chains.length) {
      if (lines.length > 0) await takeOut(family, mark);
      for (const chain of chains) await putIn(family, chain, words, mark, target);
      if (seenAt !== undefined) this.wasGone(family, seenAt);
    }
    this.seenAt.set(family, watch.now());
  }

  private wasGone(family: Family, seenAt: number): void {
    const { watch, stream, channel } = this.options;
    const now = watch.now();
    const detail = `somebody took our rule out of ${family}; it is there again`;
    watch.lost({ stream, channel, reason: 'EVENTS_LOST', from: Math.min(seenAt, now), to: now, detail });
    this.since = undefined;
  }

  private sayAlive(since: number | undefined): void {
    const { watch, stream, channel } = this.options;
    watch.alive(`rules of ${stream}`, channel, since);
  }

  /** Takes the rules out. False when one may still be there: the sign stays for the next start. */
  async stop(): Promise<boolean> {
    this.stopped = true;
    this.wake();
    // What is just being made would stay.
    await this.loop;
    let doubt = await takeOutEverywhere(this.options.mark);
    for (let left = ENDING.tries - 1; doubt !== undefined && left > 0; left--) {
      await sleep(ENDING.pauseMs);
      doubt = await takeOutEverywhere(this.options.mark);
    }
    const { watch, stream } = this.options;
    if (doubt !== undefined) watch.warn(stream, `our rule may still be there: ${doubt}`);
    return doubt === undefined;
  }

  /** The rules go while the collector goes on: what comes of them is not read any more. */
  async end(): Promise<boolean> {
    this.sayAlive(undefined);
    return this.stop();
  }
}
