import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CollectorOptions } from '../options.js';
import { ownMark, takeOutEverywhere } from './own-rules.js';

/** A sign in the spool that rules of ours may be in the kernel: their marks, a line each. */
const SIGN = 'own-rules';
const MARK = /^whydrop:(?:observe-new|trace):/;
const RETRY_MS = 15_000;

/** Written before a rule is made: whatever happens then, the next start looks for it. */
export function sign(spool: string, mark: string): Promise<void> {
  return appendFile(path.join(spool, SIGN), `${mark}\n`);
}

/** The marks of the rules that a collector with these options makes. */
export function marksInUse({ node, observeNew, traceSeconds }: CollectorOptions): readonly string[] {
  return [
    ...(observeNew === undefined ? [] : [ownMark('observe-new', node)]),
    ...(traceSeconds === undefined ? [] : [ownMark('trace', node)]),
  ];
}

/** Rules that a killed run left. They are taken out at the start, and again and again until that is sure. */
export class Leftovers {
  private readonly file: string;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private stopped = false;
  /** Why rules of an earlier run may still be there. */
  trouble: string | undefined;

  /** `inUse`: the marks of rules that this run makes; whoever makes one takes out the old one first. */
  constructor(
    spool: string,
    private readonly node: string,
    private readonly inUse: readonly string[],
    private readonly retryMs = RETRY_MS,
  ) {
    this.file = path.join(spool, SIGN);
  }

  /** Looks at the kernel's tables only when there is a sign. Call it before rules are made. */
  takeOut(): Promise<void> {
    this.working = this.takeOutAll(this.inUse);
    return this.working;
  }

  private async takeOutAll(first: readonly string[]): Promise<void> {
    const text = await readFile(this.file, 'utf8').catch(() => undefined);
    if (text === undefined) return;
    const written = text.split('\n').filter((line) => MARK.test(line));
    const ours = [ownMark('observe-new', this.node), ownMark('trace', this.node)];
    const marks = [...new Set([...written, ...ours])].filter(
      (mark) => first.includes(mark) || !this.inUse.includes(mark),
    );
    const doubts: string[] = [];
    for (const mark of marks) {
      const doubt = await takeOutEverywhere(mark);
      if (doubt !== undefined && !this.inUse.includes(mark)) doubts.push(doubt);
    }
    this.trouble = doubts.length === 0 ? undefined : `rules of an earlier run may still be there: ${doubts.join('; ')}`;
    if (this.trouble === undefined) await this.clear();
    else this.later();
  }

  /** The marks in use stay: their rules are in the kernel, or will be. */
  private async clear(): Promise<void> {
    if (this.inUse.length === 0) await rm(this.file, { force: true });
    else await writeFile(this.file, this.inUse.map((mark) => `${mark}\n`).join(''));
  }

  private later(): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.working = this.takeOutAll([]).catch(() => this.later());
    }, this.retryMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working.catch(() => undefined);
    clearTimeout(this.timer);
  }
}
