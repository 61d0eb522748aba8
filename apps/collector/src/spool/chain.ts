import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type Damage, writeFrame } from './frame.js';
import { isFull } from './full.js';
import { Ledger } from './ledger.js';
import type { BatchHead, SpoolClass } from './record.js';
import { Segment, type Entry } from './segment.js';

/** A batch that was numbered and waits for the disk. */
export interface Numbered {
  readonly head: BatchHead;
  readonly body: Buffer;
}

/** A batch on its way out. */
export interface Lease {
  readonly chain: Chain;
  readonly segment: Segment;
  readonly entry: Entry;
}

/** What of a chain cannot be read any more. */
export interface Wreck {
  readonly segment: string;
  readonly bytes: number;
  /** Time of the last record before it, milliseconds since 1970. */
  readonly after: number | undefined;
}

export interface ChainOptions {
  readonly folder: string;
  readonly name: SpoolClass;
  readonly segmentBytes: number;
  readonly freshEpoch: () => number;
  /** Why nothing can be written yet: the disk has no room for the folder, or for what holds it. */
  readonly noRoom?: Error | undefined;
  /** Told of what was damaged since it was written or taken over. */
  readonly onWreck?: (wreck: Wreck) => void;
}

/** So much acknowledged data is left in the newest file before it is replaced by an empty one. */
const TIDY_BYTES = 1024 * 1024;

/** The segments of one class of streams: written at the end, sent from the beginning. */
export class Chain {
  readonly ledger: Ledger;
  readonly wrecks: Wreck[] = [];
  private readonly segments: Segment[] = [];
  private readonly taken = new Map<string, number>();
  private broken = false;
  /** Why no segment of its own could be begun when it was opened: the disk was full. The first commit tries again. */
  notBegun: Error | undefined;
  private nextId = 1;

  private constructor(private readonly options: ChainOptions) {
    this.ledger = new Ledger(options.freshEpoch());
  }

  get name(): SpoolClass {
    return this.options.name;
  }

  /** Takes over what earlier runs left, and begins a segment of its own. */
  static async open(options: ChainOptions): Promise<Chain> {
    const chain = new Chain(options);
    const pattern = new RegExp(`^${options.name}-(\\d{12})\\.seg$`);
    const names = await readdir(options.folder).catch((error: unknown) => {
      if (!options.noRoom) throw error;
      return [];
    });
    const ids = names.flatMap((name) => {
      const id = pattern.exec(name)?.[1];
      return id === undefined ? [] : [Number(id)];
    });
    for (const id of ids.toSorted((a, b) => a - b)) await chain.takeOver(id);
    // What was numbered in a damaged part is not known, so nothing may be numbered after it.
    if (chain.wrecks.length > 0) chain.ledger.restart(options.freshEpoch());
    chain.notBegun = options.noRoom;
    if (!chain.notBegun) {
      await chain.roll().catch((error: unknown) => {
        if (!isFull(error)) throw error;
        chain.notBegun = error;
      });
    }
    return chain;
  }

  private path(id: number): string {
    return path.join(this.options.folder, `${this.options.name}-${String(id).padStart(12, '0')}.seg`);
  }

  private async takeOver(id: number): Promise<void> {
    const segment = new Segment(id, this.path(id));
    segment.sealed = true;
    this.nextId = id + 1;
    const { heads, damages } = await segment.scan();
    this.wrecks.push(...damages.map((damage) => wreckOf(segment, damage)));
    for (const head of heads) this.ledger.learn(head);
    segment.size = (await (await segment.file()).stat()).size;
    segment.open = segment.entries?.length ?? 0;
    this.segments.push(segment);
    await segment.forget();
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  /** Batches that nobody has acknowledged. */
  get open(): number {
    return this.segments.reduce((sum, segment) => sum + segment.open, 0);
  }

  /** The number of a stream's next batch. It is used, or the next one would look like a loss. */
  number(stream: string): { readonly epoch: number; readonly sequence: number } {
    const sequence = this.taken.get(stream) ?? this.ledger.next(stream);
    this.taken.set(stream, sequence + 1);
    return { epoch: this.ledger.epoch, sequence };
  }

  /** Begins the segment that the disk had no room for when the chain was opened. */
  async begin(): Promise<void> {
    if (this.notBegun) await this.roll();
  }

  /** Writes batches to the disk. When that fails nothing of it counts, and the same may be tried again. */
  async append(batches: readonly Numbered[]): Promise<void> {
    await this.begin();
    if (this.broken) await this.mend();
    const frames = batches.map(({ head, body }) => writeFrame(head, body));
    const bytes = Buffer.concat(frames);
    if (this.active.open > 0 && this.active.size + bytes.length > this.options.segmentBytes) await this.roll();
    const segment = this.active;
    let offset = segment.size;
    this.broken = true;
    await segment.append(bytes);
    this.broken = false;
    for (const [index, { head }] of batches.entries()) {
      const { length } = frames[index] ?? { length: 0 };
      segment.entries?.push({ head, offset, length, state: 'waiting' });
      segment.open++;
      offset += length;
      this.ledger.learn(head);
    }
  }

  private get active(): Segment {
    const last = this.segments.at(-1);
    if (!last) throw new Error('a chain without a segment');
    return last;
  }

  /** After a write that failed the file's end is not known: what was whole stays, and a new file is begun. */
  private async mend(): Promise<void> {
    const segment = this.active;
    await (await segment.file()).truncate(segment.size);
    await this.roll();
    this.broken = false;
  }

  /** Begins a new segment with a checkpoint, and removes what is acknowledged. */
  async roll(): Promise<void> {
    const segment = new Segment(this.nextId++, this.path(this.nextId - 1));
    try {
      await segment.create();
      await segment.append(writeFrame(this.ledger.checkpoint(), Buffer.alloc(0)));
      await syncFolder(this.options.folder);
    } catch (error) {
      await segment.remove().catch(() => undefined);
      throw error;
    }
    const before = this.segments.at(-1);
    this.segments.push(segment);
    this.notBegun = undefined;
    if (before) await this.seal(before);
    // What is written can be written; what could not be removed is tried again.
    await this.tidy().catch(() => undefined);
  }

  /** Nothing more is written to it; unless it is the next to be sent from, its batches need not stay in memory. */
  private async seal(segment: Segment): Promise<void> {
    segment.sealed = true;
    if (segment !== this.oldestOpen) await segment.forget().catch(() => undefined);
  }

  private get oldestOpen(): Segment | undefined {
    return this.segments.find(({ open: waiting }) => waiting > 0);
  }

  /** The batches in a segment; read again when they were put out of memory, and what is damaged since is told. */
  private async load(segment: Segment): Promise<Entry[]> {
    if (segment.entries) return segment.entries;
    const damages = await this.rescan(segment);
    const entries = (segment.entries ??= []);
    if (entries.length < segment.open) {
      segment.open = entries.length;
      for (const damage of damages) this.options.onWreck?.(wreckOf(segment, damage));
    }
    return entries;
  }

  private async rescan(segment: Segment): Promise<readonly Damage[]> {
    try {
      return (await segment.scan()).damages;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [{ offset: 0, length: segment.size }];
    }
  }

  /** Removes sealed segments without anything to send; the newest stays, which tells where its streams stand. */
  async tidy(): Promise<void> {
    const newest = this.segments.at(-1);
    for (const segment of [...this.segments]) {
      if (!segment.sealed || segment.open > 0 || segment === newest) continue;
      await segment.remove();
      this.segments.splice(this.segments.indexOf(segment), 1);
    }
  }

  get needsTidying(): boolean {
    const last = this.segments.at(-1);
    const burden = last !== undefined && last.open === 0 && last.size > TIDY_BYTES;
    return burden || this.segments.some((segment) => segment.sealed && segment.open === 0);
  }

  /** Leaves the least that has to stay: used when everything was sent and the process ends. */
  async compact(): Promise<void> {
    if (this.open === 0 && !this.notBegun && this.active.entries?.length) await this.roll();
  }

  async tidyUp(): Promise<void> {
    const last = this.segments.at(-1);
    if (last && last.open === 0 && last.size > TIDY_BYTES) await this.roll();
    else await this.tidy();
  }

  /** The oldest batch that is not on its way yet. */
  async next(): Promise<Lease | undefined> {
    for (const segment of [...this.segments]) {
      if (segment.open === 0) continue;
      const entry = (await this.load(segment)).find(({ state }) => state === 'waiting');
      if (!entry) continue;
      entry.state = 'sent';
      return { chain: this, segment, entry };
    }
    return undefined;
  }

  /** The oldest segment with something to lose, and what it would lose. */
  async oldest(): Promise<{ readonly segment: Segment; readonly lost: readonly BatchHead[] } | undefined> {
    if (this.open === 0) return undefined;
    if (this.segments.length === 1) await this.roll();
    const segment = this.oldestOpen;
    if (!segment) return undefined;
    const lost = (await this.load(segment)).filter(({ state }) => state !== 'acknowledged').map(({ head }) => head);
    return { segment, lost };
  }

  async drop(segment: Segment): Promise<void> {
    segment.open = 0;
    await this.tidy();
  }

  /** When the oldest waiting batch was read, milliseconds since 1970. */
  async oldestAt(): Promise<number | undefined> {
    return this.oldestOpen?.entries?.find(({ state }) => state !== 'acknowledged')?.head.to;
  }

  async close(): Promise<void> {
    for (const segment of this.segments) await segment.close();
  }
}

/** The server has it. */
export function acknowledge({ segment, entry }: Lease): void {
  if (entry.state === 'acknowledged') return;
  entry.state = 'acknowledged';
  if (segment.open > 0) segment.open--;
}

/** It could not be sent: it is next again. */
export function giveBack({ entry }: Lease): void {
  if (entry.state === 'sent') entry.state = 'waiting';
}

function wreckOf({ path: name, entries }: Segment, { offset, length }: Damage): Wreck {
  return { segment: name, bytes: length, after: entries?.findLast((entry) => entry.offset < offset)?.head.to };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
