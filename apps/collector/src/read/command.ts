import type { ChildProcess } from 'node:child_process';
import type { Piece, Sink, Source } from '../batch/source.js';
import { endChild, startChild } from './child.js';
import { Fifo } from './fifo.js';
import type { Reader, Watch } from './reader.js';
import { widen } from './widen.js';

export interface CommandOptions {
  readonly source: Source;
  readonly sink: Sink;
  readonly watch: Watch;
  /** Where the pipe is made. */
  readonly fifo: string;
  /** The command; its records come on stdout, or go to the pipe itself when it takes a file's name. */
  readonly command: (fifo: string) => readonly string[];
  readonly writesToFifo?: boolean;
  /** Words of the tool that mean that it lost records. */
  readonly lossWords: RegExp;
  /** After the start, after a loss: what shows the whole again. */
  readonly resync?: () => void;
  /** Looks through lines, a few times a second also through none, before they go on: to leave out what was read before, to see what is missing, to put a time in front. */
  readonly look?: (lines: Buffer) => Piece | undefined;
  /** Bytes that the kernel keeps for the tool while it is busy. */
  readonly buffer?: number;
  /** When the stream's last record was on the disk, by an earlier run. */
  readonly lastAt?: number | undefined;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A tool that lives this long works; what it prints until then may be why it does not. */
const SETTLED_MS = 300;

const TICK_MS = 50;
/** A pipe holds 64 KiB, and a tool that has to wait for room falls behind. */
const CROWDED_BYTES = 40 * 1024;
const CROWDED_TICK_MS = 3;
/** Showing the whole again costs the node as much as the events do: not more often than this. */
const RESYNC_MS = 30_000;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Reads what a tool prints for as long as it runs, starts it again when it ends, and says what was missed between. */
export class CommandReader implements Reader {
  private child: ChildProcess | undefined;
  private fifo: Fifo | undefined;
  private stopped = false;
  private loop: Promise<void> = Promise.resolve();
  /** Until when everything was read; undefined: never. */
  private readUntil: number | undefined;
  private failures = 0;
  private saidLossAt = 0;
  private resyncTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: CommandOptions) {
    this.readUntil = options.lastAt;
  }

  get name(): string {
    return this.options.source.stream;
  }

  start(): void {
    this.options.watch.alive(this.name, this.options.source.channel, undefined);
    this.loop = this.run();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const startedAt = Date.now();
      const why = await this.once().catch((error: unknown) => (error as Error).message);
      if (this.stopped) return;
      this.options.watch.alive(this.name, this.options.source.channel, undefined);
      if (Date.now() - startedAt > 60_000) this.failures = 0;
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
      this.options.watch.warn(this.name, `ended (${why}); it is started again in ${pause / 1000} s`);
      for (let waited = 0; waited < pause && !this.stopped; waited += 100) await sleep(100);
    }
  }

  /** One life of the tool; gives why it ended. */
  private async once(): Promise<string> {
    const { command, fifo: path, writesToFifo } = this.options;
    const fifo = (this.fifo ??= await Fifo.make(path));
    const end = await fifo.writingEnd();
    let said = '';
    const child = startChild(command(path), ['ignore', writesToFifo ? 'pipe' : end.fd, 'pipe']);
    this.child = child;
    const over = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`${said.trim().slice(-300)} ${signal ?? `exit code ${code}`}`));
    });
    // A tool that opens the pipe by itself needs an end that stays, or reading would see its end before.
    if (!writesToFifo) await end.close();
    const listen = (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
      if (this.options.lossWords.test(text.toString())) this.lossSaid(text.toString());
    };
    child.stderr?.on('data', listen);
    child.stdout?.on('data', listen);
    const ended = { yet: false };
    void over.then(() => (ended.yet = true));
    try {
      await this.readAll(fifo, ended);
    } finally {
      if (writesToFifo) await end.close();
      await endChild(child);
    }
    return over;
  }

  private async readAll(fifo: Fifo, ended: { readonly yet: boolean }): Promise<void> {
    const startedAt = this.options.watch.now();
    let settled = false;
    let crowded = false;
    while (!ended.yet && !this.stopped) {
      await sleep(crowded ? CROWDED_TICK_MS : TICK_MS);
      if (this.options.sink.full) continue;
      const now = this.options.watch.now();
      const lines = await fifo.take();
      crowded = lines.length > CROWDED_BYTES;
      this.give(lines);
      if (settled) this.readUntil = now;
      else if (now - startedAt >= SETTLED_MS && !ended.yet) {
        settled = true;
        this.settle(now);
      }
    }
    this.give(await fifo.take());
  }

  /** The tool listens: what happened since anything was read last is not known. */
  private settle(now: number): void {
    const { watch, source, resync } = this.options;
    if (this.readUntil !== undefined) this.lost('NOT_RUNNING', this.readUntil, now);
    this.readUntil = now;
    watch.alive(this.name, source.channel, now);
    this.widen();
    resync?.();
  }

  /** Where it cannot be done the tool has what it asked for itself; what it loses is told. */
  private widen(): void {
    const { buffer, fifo } = this.options;
    const pid = this.child?.pid;
    if (buffer !== undefined && pid !== undefined) widen(pid, buffer, fifo).catch(() => undefined);
  }

  private give(lines: Buffer): void {
    if (lines.length === 0 && !this.options.look) return;
    const piece = this.options.look ? this.options.look(lines) : { bytes: lines };
    if (piece) this.options.sink.lines(this.options.source, piece);
  }

  private lost(reason: 'NOT_RUNNING' | 'EVENTS_LOST', from: number, to: number, detail?: string): void {
    const { watch, source } = this.options;
    const facts = { stream: source.stream, channel: source.channel, reason, from, to };
    watch.lost(detail === undefined ? facts : { ...facts, detail });
  }

  /** The kernel was faster than the tool. Said again and again in a flood: told once a second. */
  private lossSaid(text: string): void {
    const now = this.options.watch.now();
    if (now - this.saidLossAt < 1_000) return;
    // What is missing lies behind what was read last, or behind the last time it was said.
    const from = Math.max(this.saidLossAt, Math.min(now - 1_000, this.readUntil ?? now));
    this.saidLossAt = now;
    this.lost('EVENTS_LOST', from, now, text.trim().split('\n')[0]?.slice(0, 300));
    this.options.watch.alive(this.name, this.options.source.channel, now);
    this.resyncTimer ??= setTimeout(() => {
      this.resyncTimer = undefined;
      if (!this.stopped) this.options.resync?.();
    }, RESYNC_MS).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.resyncTimer);
    if (this.child) await endChild(this.child);
    await this.loop;
    const { fifo } = this;
    this.fifo = undefined;
    await fifo?.close();
  }
}
