import { randomInt } from 'node:crypto';
import { Chain, type Lease, type Numbered, type Wreck } from './chain.js';
import { type BatchHead, type Cursor, SPOOL_CLASSES, type SpoolClass } from './record.js';
import { acknowledge, giveBack } from './chain.js';
import { isFull, makeFolder } from './full.js';

/** A batch's place in its stream. */
export interface Numbers {
  readonly epoch: number;
  readonly sequence: number;
}

/** A batch that is not numbered yet. */
export interface Draft {
  readonly class: SpoolClass;
  readonly stream: string;
  readonly channel?: string;
  readonly records: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly cursor?: Cursor;
  /** Channels that were read without a gap until `to`. */
  readonly covers?: readonly string[];
  /** Number of the batch that it is told by. */
  readonly base?: number;
  /** The bytes for the wire. */
  readonly body: (number: Numbers) => Buffer;
}

/** Batches of one stream that had to be dropped unsent. */
export interface Dropped {
  readonly stream: string;
  readonly channel?: string;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly records: number;
  readonly from: number;
  readonly to: number;
}

export interface SpoolOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly segmentBytes?: number;
  /** Makes the report of what is about to be dropped; it is on the disk before anything goes. */
  readonly report: (dropped: readonly Dropped[]) => Draft;
  readonly freshEpoch?: () => number;
  /** Makes sure that nobody else uses the folder; gives what lets it go. */
  readonly hold?: (folder: string) => Promise<() => Promise<void>>;
}

interface Waiting {
  readonly batch: Numbered;
  readonly chain: Chain;
}

/** Random, 48 bits: the numbers of a fresh spool are never taken for those of an older one. */
export function freshEpoch(): number {
  return randomInt(1, 2 ** 48 - 1);
}

/** How long what could not be removed is left alone, in milliseconds. */
const TIDY_AGAIN_MS = 1_000;
const DROPPABLE: readonly SpoolClass[] = ['flows', 'counters', 'drops'];

/** What was read and is not acknowledged: on the disk, in one chain of segments per class. */
export class Spool {
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private serial: Promise<unknown> = Promise.resolve();
  /** Lets the folder go; undefined while it is not ours. */
  private letGo: (() => Promise<void>) | undefined;
  /** What is wrong with the disk; undefined while everything is well. */
  trouble: Error | undefined;
  /** Why what was acknowledged could not be removed. That is no loss: it is tried again, and sent again after a restart. */
  untidy: Error | undefined;
  /** Told of what was damaged while it waited. */
  onWreck: ((name: SpoolClass, wreck: Wreck) => void) | undefined;
  private tidyAgain: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(
    private readonly options: SpoolOptions,
    private readonly chains = new Map<SpoolClass, Chain>(),
  ) {}

  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    const noRoom = await spool.takeFolder().catch((error: unknown) => {
      if (!isFull(error)) throw error;
      return error;
    });
    const segmentBytes = options.segmentBytes ?? Math.min(4 * 1024 * 1024, Math.ceil(options.maxBytes / 16));
    const make = options.freshEpoch ?? freshEpoch;
    for (const name of SPOOL_CLASSES) {
      const onWreck = (wreck: Wreck) => spool.onWreck?.(name, wreck);
      const own = { folder: options.folder, name, segmentBytes, freshEpoch: make, noRoom: noRoom ?? undefined };
      spool.chains.set(name, await Chain.open({ ...own, onWreck }));
    }
    spool.trouble = spool.all.find(({ notBegun }) => notBegun)?.notBegun;
    return spool;
  }

  /** Makes the folder and holds it. On a full disk nobody else can hold it either: the next commit tries again. */
  private async takeFolder(): Promise<void> {
    if (this.letGo) return;
    await makeFolder(this.options.folder);
    this.letGo = (await this.options.hold?.(this.options.folder)) ?? (() => Promise.resolve());
  }

  chain(name: SpoolClass): Chain {
    const chain = this.chains.get(name);
    if (!chain) throw new Error(`no chain ${name}`);
    return chain;
  }

  get all(): readonly Chain[] {
    return [...this.chains.values()];
  }

  get bytes(): number {
    return this.all.reduce((sum, chain) => sum + chain.bytes, 0);
  }

  get open(): number {
    return this.all.reduce((sum, chain) => sum + chain.open, 0);
  }

  /** Bytes that are in memory only. */
  get unwritten(): number {
    return this.waitingBytes;
  }

  /** Numbers a batch; the next commit brings it to the disk. */
  add(draft: Draft): Numbers {
    const chain = this.chain(draft.class);
    const { class: _class, body, ...facts } = draft;
    const number = chain.number(draft.stream);
    const head: BatchHead = { kind: 'batch', ...facts, ...number };
    const batch = { head, body: body(number) };
    this.waiting.push({ batch, chain });
    this.waitingBytes += batch.body.length;
    return number;
  }

  /** One thing at a time happens to the files. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.serial.then(work);
    this.serial = done.catch(() => undefined);
    return done;
  }

  /** Everything that was added is on the disk when this resolves. It rejects when the disk does not take it: try again. */
  commit(): Promise<void> {
    return this.inTurn(async () => {
      try {
        await this.takeFolder();
        await this.makeRoom();
        await this.write();
        this.trouble = undefined;
        this.tidy();
      } catch (error) {
        this.trouble = error as Error;
        throw error;
      }
    });
  }

  private async write(): Promise<void> {
    for (const chain of this.all) await chain.begin();
    for (const chain of this.all) {
      const own = this.waiting.filter((each) => each.chain === chain);
      if (own.length === 0) continue;
      await this.append(chain, own);
    }
  }

  private async append(chain: Chain, own: readonly Waiting[]): Promise<void> {
    await chain.append(own.map(({ batch }) => batch));
    this.waiting = this.waiting.filter((each) => !own.includes(each));
    this.waitingBytes = this.waiting.reduce((sum, { batch }) => sum + batch.body.length, 0);
  }

  /** Drops the oldest of what matters least until there is room, and says so first. */
  private async makeRoom(): Promise<void> {
    const isOver = () => this.bytes + this.waitingBytes > this.options.maxBytes;
    // What was acknowledged or dropped and is still there goes before anything else does.
    if (isOver()) for (const chain of this.all) await chain.tidy();
    while (isOver()) {
      const victim = await this.victim();
      if (!victim) return;
      const { chain, segment, lost } = victim;
      const dropped = summed(lost.filter(({ stream }) => stream !== 'coverage'));
      if (dropped.length > 0) {
        this.add(this.options.report(dropped));
        const control = this.chain('control');
        await this.append(
          control,
          this.waiting.filter((each) => each.chain === control),
        );
      }
      await chain.drop(segment);
    }
  }

  private async victim() {
    for (const name of DROPPABLE) {
      const chain = this.chain(name);
      const oldest = await chain.oldest();
      if (oldest) return { chain, ...oldest };
    }
    return undefined;
  }

  /** The next batch to send: what matters most first, the oldest first. */
  next(): Promise<Lease | undefined> {
    return this.inTurn(async () => {
      for (const chain of this.all) {
        const lease = await chain.next();
        if (lease) return lease;
      }
      return undefined;
    });
  }

  body(lease: Lease): Promise<Buffer | undefined> {
    return lease.segment.body(lease.entry);
  }

  acknowledge(lease: Lease): void {
    acknowledge(lease);
    this.tidy();
  }

  /** Removes what nobody needs, now or when the disk lets us. */
  private tidy(): void {
    if (this.tidyAgain || this.closed) return;
    const untidy = this.all.filter(({ needsTidying }) => needsTidying);
    if (untidy.length === 0) return void (this.untidy = undefined);
    this.inTurn(async () => {
      for (const chain of untidy) await chain.tidyUp();
    }).then(
      () => (this.untidy = undefined),
      (error: Error) => {
        this.untidy = error;
        this.tidyAgain ??= setTimeout(() => this.tidyNow(), TIDY_AGAIN_MS).unref();
      },
    );
  }

  private tidyNow(): void {
    this.tidyAgain = undefined;
    this.tidy();
  }

  giveBack(lease: Lease): void {
    giveBack(lease);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.tidyAgain);
    await this.inTurn(async () => {
      for (const chain of this.all) {
        await chain.compact().catch(() => undefined);
        await chain.close();
      }
      await this.letGo?.();
    });
  }
}

/** What a segment loses, stream by stream. */
function summed(lost: readonly BatchHead[]): readonly Dropped[] {
  const streams = new Map<string, Dropped>();
  for (const head of lost) {
    const key = `${head.epoch} ${head.stream}`;
    const { stream, channel, epoch, sequence, records, from, to } = head;
    const sum = streams.get(key);
    const first = { stream, epoch, firstSequence: sequence, lastSequence: sequence, records, from, to };
    if (!sum) streams.set(key, channel === undefined ? first : { ...first, channel });
    else {
      streams.set(key, {
        ...sum,
        firstSequence: Math.min(sum.firstSequence, sequence),
        lastSequence: Math.max(sum.lastSequence, sequence),
        records: sum.records + records,
        from: Math.min(sum.from, from),
        to: Math.max(sum.to, to),
      });
    }
  }
  return [...streams.values()];
}
