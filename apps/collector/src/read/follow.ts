import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Piece, Sink, Source } from '../batch/source.js';
import type { Cursor } from '../spool/record.js';
import { followCursor, type FollowCursor } from './follow-cursor.js';
import { FollowedFile } from './followed-file.js';
import type { Reader, Watch } from './reader.js';
import { listRotated, type Rotated, youngerThan } from './rotated.js';
import { Standing } from './standing.js';

export interface FollowOptions {
  readonly source: Source;
  readonly path: string;
  readonly sink: Sink;
  readonly watch: Watch;
  /** From the spool: reading goes on behind what is on the disk already. */
  readonly cursor: Cursor | undefined;
  /** Until when an earlier run surely read it, milliseconds since 1970. */
  readonly lastAt?: number | undefined;
  readonly pollMs?: number;
  /** So long nobody must have written to a file that rotation put away before it is left. */
  readonly quietMs?: number;
  /** After so long it is left although it is still written to. */
  readonly farewellMs?: number;
}

/** Who rotates makes the new file before the writer is told of it: both are written to for a while. */
const QUIET_MS = 5_000;
/** A writer that was never told of the new file must not keep us from it. */
const FAREWELL_MS = 60_000;

/** The place from which the next file is looked for. */
interface Place {
  readonly ino: number;
  readonly mtimeMs: number;
}

/**
 * Reads a log file as it grows, each line once: the position goes to the disk together with the lines. Rotation is
 * followed (renamed, copied and cut, several times while nobody read); what went away unread is a gap.
 */
export class FileFollower implements Reader {
  trouble: string | undefined;
  private at: FollowedFile | undefined;
  /** Where an earlier run stood, until it is looked for. */
  private before: FollowCursor | undefined;
  private stopped = false;
  private loop: Promise<void> = Promise.resolve();
  private readonly standing: Standing;
  /** When another file was first seen under the name, by the steady clock. */
  private leftAt: number | undefined;
  /** Inode of the next file, in which nothing is yet: the writer may not know of it. */
  private emptyNext: number | undefined;

  constructor(private readonly options: FollowOptions) {
    this.before = followCursor(options.cursor);
    this.standing = new Standing(options, options.lastAt);
  }

  get name(): string {
    return this.options.source.stream;
  }

  start(): void {
    this.standing.behind();
    this.loop = this.run();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const more = await this.step().catch((error: unknown) => this.failed(error as NodeJS.ErrnoException));
      if (!more) await pause(this.options.pollMs ?? 100);
    }
    await this.at?.close();
  }

  private async failed(error: NodeJS.ErrnoException): Promise<boolean> {
    this.standing.lose();
    const trouble = `${this.name}: ${error.message}`;
    if (trouble !== this.trouble) this.options.watch.warn(this.name, error.message);
    this.trouble = trouble;
    if (error.code !== 'ENOENT') await pause(1_000);
    return false;
  }

  /** Reads what is there; false when there was nothing. */
  private async step(): Promise<boolean> {
    const { sink } = this.options;
    if (sink.full) {
      this.standing.behind();
      await this.at?.glance();
      await Promise.race([sink.room(), pause(200)]);
      return true;
    }
    const at = (this.at ??= await this.openFirst());
    const look = await at.look(false);
    this.trouble = undefined;
    if (look.kind === 'cut') return this.cut(at);
    if (look.kind === 'none') return this.followRotation(at);
    this.give(look.piece);
    return true;
  }

  private async openFirst(): Promise<FollowedFile> {
    const { path: name, lastAt } = this.options;
    const { before } = this;
    const found = before && (await FollowedFile.find(name, before));
    if (!before) return FollowedFile.open(name);
    // Its inode may be another file's by now.
    const place = { ino: -1, mtimeMs: before.mtimeMs ?? lastAt ?? Infinity };
    const first = found ?? (await this.next(place, 'it is not there any more'));
    this.before = undefined;
    return first;
  }

  private give(piece: Piece): void {
    this.standing.reading();
    this.options.sink.lines(this.options.source, piece);
  }

  /** Cut after it was copied: the rest is in the copy. */
  private async cut(at: FollowedFile): Promise<boolean> {
    const copy = await FollowedFile.find(this.options.path, at.cursor);
    return this.goOn(copy ?? (await this.next(at.cursor, 'it was cut before it was read to its end')));
  }

  private async followRotation(at: FollowedFile): Promise<boolean> {
    const now = await stat(this.options.path).catch(absent);
    if (!now) return false;
    if (now.ino === at.ino || (now.ino === this.emptyNext && now.size === 0)) {
      this.leftAt = undefined;
      this.standing.caughtUp();
      return false;
    }
    this.standing.behind();
    this.leftAt ??= performance.now();
    const over = performance.now() - this.leftAt > (this.options.farewellMs ?? FAREWELL_MS);
    if (at.settled || this.isQuiet(at, this.leftAt)) return this.leave(at, now);
    return over ? this.leave(at, now, 'it is written to after its rotation') : false;
  }

  /** Goes on to the next file; stays while nothing is in that and nothing lies between. */
  private async leave(at: FollowedFile, now: Stats, lost?: string): Promise<boolean> {
    let rest = await at.look(true);
    for (; rest.kind === 'lines'; rest = await at.look(true)) this.give(rest.piece);
    if (rest.kind === 'cut') return this.cut(at);
    const isNext = !at.settled && now.size === 0 && (await this.younger(at.cursor)).length === 0;
    this.emptyNext = isNext ? now.ino : undefined;
    if (isNext) return true;
    return this.goOn(await this.next(at.cursor, lost));
  }

  private isQuiet(at: FollowedFile, leftAt: number): boolean {
    return performance.now() - Math.max(at.grewAt, leftAt) >= (this.options.quietMs ?? QUIET_MS);
  }

  private async goOn(next: FollowedFile): Promise<boolean> {
    await this.at?.close();
    this.at = next;
    this.leftAt = undefined;
    this.emptyNext = undefined;
    return true;
  }

  /** Opens the oldest file that is younger than one that was read; tells of those that cannot be read, and of `lost`. */
  private async next(place: Place, lost?: string): Promise<FollowedFile> {
    const { path: name } = this.options;
    // Opened before the others are looked for: what is rotated meanwhile is among them.
    const newest = await FollowedFile.open(name);
    const younger = await this.younger(place);
    const plain = younger.find(({ packed }) => !packed);
    const packed = younger.slice(0, plain && younger.indexOf(plain)).map((each) => path.basename(each.name));
    const file = plain && plain.ino !== newest.ino ? await FollowedFile.open(plain.name) : newest;
    if (file !== newest) await newest.close();
    if (plain && file.ino !== plain.ino) {
      await file.close();
      return this.next(place, lost);
    }
    const unread = packed.length > 0 ? `${packed.join(', ')}: compressed before it was read` : undefined;
    const told = [lost, unread].filter((each) => each !== undefined);
    if (told.length > 0) this.standing.gone(told.join('; '));
    return file;
  }

  private async younger(place: Place): Promise<readonly Rotated[]> {
    return youngerThan(await listRotated(this.options.path), place);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
