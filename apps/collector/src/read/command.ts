import type { ChildProcess } from 'node:child_process';
import type { Piece, Sink, Source } from '../batch/source.js';
import { endChild, startChild } from './child.js';
import { Fifo } from './fifo.js';
import { Flood } from './flood.js';
import type { Reader, Watch } from './reader.js';
import { widen } from './widen.js';

/** Records that a source has numbered and not given. */
export interface Hole {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly records: number;
  readonly detail: string;
}

export type Missed = (hole: Hole) => void;

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
  readonly look?: (lines: Buffer, missed: Missed) => Piece | undefined;
  /** Bytes that the kernel keeps for the tool while it is busy. */
  readonly buffer?: number;
  /** When the stream's last record was on the disk, by an earlier run. */
  readonly lastAt?: number | undefined;
  /** The source keeps what nobody reads, and `look` sees what it could not keep: a tool that is started again missed nothing. */
  readonly keeps?: true;
  /** Called before each start of the tool; when it rejects, the tool does not start. */
  readonly begins?: () => Promise<void> | void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A tool that lives this long works; what it prints until then may be why it does not. */
const SETTLED_MS = 300;
const LAST_WORDS_MS = 200;

const TICK_MS = 50;
/** A pipe holds 64 KiB, and a tool that has to wait for room falls behind. */
const CROWDED_BYTES = 40 * 1024;
const CROWDED_TICK_MS = 3;
/** After a longer pause the tool was not heard either: what it lost meanwhile it says when it is read again. */
const PAUSE_MS = 1_000;
const CAUGHT_UP_MS = 500;
/** Showing the whole again costs the node as much as the events do: not more often than this. */
const RESYNC_MS = 30_000;

const pauseAfter = (failures: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);

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
  private resyncTimer: NodeJS.Timeout | undefined;
  /** Since when the channel is read without a gap, once the tool listens. */
  private since: number | undefined;
  private listens = false;
  private hasListened = false;
  /** When reading went on behind a pause, by the monotonic clock: what the tool lost in it may not be said yet. */
  private behindAt: number | undefined;
  private readonly flood: Flood;
  trouble: string | undefined;

  constructor(private readonly options: CommandOptions) {
    this.readUntil = options.lastAt;
    this.flood = new Flood({
      now: options.watch.now,
      readUntil: () => this.readUntil,
      tell: (from, to, detail) => this.told(from, to, detail),
      changed: () => this.sayAlive(),
    });
  }

  get name(): string {
    return this.options.source.stream;
  }

  start(): void {
    this.sayAlive();
    this.loop = this.run();
  }

  /** While anything may be missing that is not told, the channel does not count as read. */
  private sayAlive(): void {
    const { watch, source } = this.options;
    const whole = this.listens && this.behindAt === undefined && !this.flood.untold;
    watch.alive(this.name, source.channel, whole ? this.since : undefined);
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const startedAt = performance.now();
      const why = await this.once().catch((error: unknown) => (error as Error).message);
      if (this.stopped) return;
      this.listens = false;
      this.sayAlive();
      this.trouble = `${this.name}: the tool ended (${why.trim()})`;
      if (performance.now() - startedAt > 60_000) this.failures = 0;
      const pause = pauseAfter(this.failures++);
      this.options.watch.warn(this.name, `ended (${why}); it is started again in ${pause / 1000} s`);
      for (let waited = 0; waited < pause && !this.stopped; waited += 100) await sleep(100);
    }
  }

  /** One life of the tool; gives why it ended. */
  private async once(): Promise<string> {
    const { command, fifo: path, writesToFifo } = this.options;
    const fifo = (this.fifo ??= await Fifo.make(path));
    await this.options.begins?.();
    if (this.stopped) return 'stopped';
    const end = await fifo.writingEnd();
    let said = '';
    const child = startChild(command(path), ['ignore', writesToFifo ? 'pipe' : end.fd, 'pipe']);
    this.child = child;
    const over = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => {
        const tell = () => resolve(`${said.trim().slice(-300)} ${signal ?? `exit code ${code}`}`);
        // What it said last may come behind its end; what it started may hold the pipe for longer.
        child.once('close', tell);
        setTimeout(tell, LAST_WORDS_MS);
      });
    });
    // A tool that opens the pipe by itself needs an end that stays, or reading would see its end before.
    if (!writesToFifo) await end.close();
    const listen = (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
      if (this.options.lossWords.test(text.toString()))
        this.flood.said(text.toString().trim().split('\n')[0]?.slice(0, 300) ?? '');
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
    const startedAt = performance.now();
    let tickAt = startedAt;
    let crowded = false;
    while (!ended.yet && !this.stopped) {
      await sleep(crowded ? CROWDED_TICK_MS : TICK_MS);
      const paused = this.options.sink.full || performance.now() - tickAt > PAUSE_MS;
      tickAt = performance.now();
      if (paused && this.listens) this.pause(tickAt);
      if (this.options.sink.full) continue;
      const now = this.options.watch.now();
      const lines = await fifo.take();
      crowded = lines.length > CROWDED_BYTES;
      this.give(lines);
      const lived = performance.now() - startedAt;
      if (this.listens) this.readOn(now, crowded);
      else if (lived >= SETTLED_MS && !ended.yet) this.settle(now);
      // A tool that ends again and again listens between its ends.
      if (this.trouble !== undefined && lived > 2 * pauseAfter(this.failures - 1)) this.trouble = undefined;
    }
    for (let rest = await fifo.take(); ; rest = await fifo.take()) {
      this.give(rest);
      if (rest.length === 0 || this.stopped) return;
    }
  }

  private pause(at: number): void {
    this.behindAt = at;
    this.sayAlive();
  }

  /** Behind a pause the tool must have had the time to say what it lost in it. */
  private readOn(now: number, crowded: boolean): void {
    if (this.behindAt !== undefined) {
      if (crowded) this.behindAt = performance.now();
      if (performance.now() - this.behindAt < CAUGHT_UP_MS) return;
      this.behindAt = undefined;
      this.sayAlive();
    }
    this.readUntil = now;
  }

  /** The tool listens: what happened since anything was read last is not known. */
  private settle(now: number): void {
    const { keeps, resync } = this.options;
    const missed = this.readUntil !== undefined && !(keeps && this.hasListened);
    if (missed) this.lost('NOT_RUNNING', this.readUntil ?? now, now);
    this.readUntil = now;
    if (missed || this.since === undefined) this.since = now;
    this.listens = true;
    this.hasListened = true;
    this.behindAt = undefined;
    this.sayAlive();
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
    const piece = this.options.look ? this.options.look(lines, (hole) => this.missed(hole)) : { bytes: lines };
    if (piece) this.options.sink.lines(this.options.source, piece);
  }

  private missed({ from, to, records, detail }: Hole): void {
    this.lost('EVENTS_LOST', from, to, { records, detail });
    this.since = this.options.watch.now();
    this.sayAlive();
  }

  private lost(reason: 'NOT_RUNNING' | 'EVENTS_LOST', from: number, to: number, more: Partial<Hole> = {}): void {
    const { watch, source } = this.options;
    // A clock that was put back makes no gap that ends before it begins.
    watch.lost({ ...more, stream: source.stream, channel: source.channel, reason, from: Math.min(from, to), to });
  }

  /** The kernel was faster than the tool. */
  private told(from: number, to: number, detail: string): void {
    this.lost('EVENTS_LOST', from, to, { detail });
    this.since = to;
    this.sayAlive();
    this.resyncTimer ??= setTimeout(() => {
      this.resyncTimer = undefined;
      if (!this.stopped) this.options.resync?.();
    }, RESYNC_MS).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.child) await endChild(this.child);
    await this.loop;
    this.flood.end();
    clearTimeout(this.resyncTimer);
    const { fifo } = this;
    this.fifo = undefined;
    await fifo?.close();
  }
}
