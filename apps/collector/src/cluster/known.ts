import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { KubernetesObject } from '@whydrop/model';
import { AliveMark } from './alive-mark.js';
import type { ObjectKind } from './wanted.js';

/** One object as it was last told; `undefined` as its object: it is gone. */
interface Entry {
  /** Number of the record that told it. */
  readonly n: number;
  readonly key: string;
  readonly object: KubernetesObject | undefined;
}

/** More dead lines than this and as many as there are objects: the file is written anew. */
const DEAD_LINES = 10_000;
/** How often it is looked whether the disk takes it again, in milliseconds. */
const RETRY_MS = 500;

export function keyOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return `${group} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

function entryOf(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}

function apply(objects: Map<string, KubernetesObject>, { key, object }: Entry): void {
  if (object) objects.set(key, object);
  else objects.delete(key);
}

/**
 * What was told of every object, in a file beside the spool. A line carries the number of the record that it follows from,
 * and the spool says up to which number records are on the disk: lines beyond it were never told, so they do not count.
 */
export class KnownObjects {
  private readonly objects = new Map<string, KubernetesObject>();
  /** As it was when the record was written up to which all are on the disk; what came after it is in `recent`. */
  private readonly safe = new Map<string, KubernetesObject>();
  private recent: Entry[] = [];
  private lines = 0;
  private file: FileHandle | undefined;
  private writing: Promise<void> = Promise.resolve();
  private pending = '';
  /** How much of the file is whole lines, in bytes, and whether there is more in it. */
  private whole = 0;
  private torn = false;
  private again: NodeJS.Timeout | undefined;
  private closed = false;
  private waiters: (() => void)[] = [];
  /** Why the disk does not take what was told; it is kept and tried again. */
  trouble: Error | undefined;
  /** Until when an earlier run watched, milliseconds since 1970. */
  lastAlive: number | undefined;

  private constructor(
    private readonly name: string,
    private readonly mark: AliveMark,
    private readonly onDisk: () => number | undefined,
    private last: number,
  ) {}

  /** `onDisk`: number of the last record that is on the disk; undefined when the spool knows of none. `now`: milliseconds since 1970. */
  static async open(folder: string, onDisk: () => number | undefined, now: number): Promise<KnownObjects> {
    const upTo = onDisk();
    const name = path.join(folder, 'cluster-known.jsonl');
    const known = new KnownObjects(name, new AliveMark(path.join(folder, 'cluster-alive')), onDisk, upTo ?? 0);
    if (upTo !== undefined) {
      known.lastAlive = await known.mark.read(name);
      await known.read(upTo);
    }
    // Until this run says that all is well, it is so up to here and no further.
    await known.mark.set(known.lastAlive ?? now);
    await known.rewrite();
    return known;
  }

  private async read(upTo: number): Promise<void> {
    const stream = createReadStream(this.name, 'utf8');
    try {
      for await (const line of createInterface({ input: stream })) {
        const entry = entryOf(line);
        if (!entry || entry.n > upTo) continue;
        apply(this.objects, entry);
        apply(this.safe, entry);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  private settle(): void {
    const upTo = this.onDisk() ?? 0;
    const open = this.recent.findIndex(({ n }) => n > upTo);
    const settled = open < 0 ? this.recent.length : open;
    for (const entry of this.recent.slice(0, settled)) apply(this.safe, entry);
    this.recent = this.recent.slice(settled);
  }

  /** Writes only what is needed: first beside the file, then in its place. */
  private async rewrite(): Promise<void> {
    this.settle();
    const n = this.recent[0] === undefined ? this.last : this.recent[0].n - 1;
    const entries: readonly Entry[] = [...[...this.safe].map(([key, object]) => ({ n, key, object })), ...this.recent];
    // Whatever waits to be written now is among the recent ones.
    const covered = this.pending.length;
    const name = `${this.name}.new`;
    await rm(name, { force: true });
    const fresh = await open(name, 'a', 0o600);
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    try {
      await fresh.appendFile(text);
      await fresh.datasync();
      await rename(name, this.name);
    } catch (error) {
      await fresh.close();
      await rm(name, { force: true });
      throw error;
    }
    const old = this.file;
    this.file = fresh;
    this.pending = this.pending.slice(covered);
    this.lines = entries.length;
    this.whole = Buffer.byteLength(text);
    this.torn = false;
    await old?.close();
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: string): KubernetesObject | undefined {
    return this.objects.get(key);
  }

  /** All known objects of a kind, by key. */
  of(group: string, kind: string): readonly (readonly [string, KubernetesObject])[] {
    const prefix = `${group} ${kind} `;
    return [...this.objects].filter(([key]) => key.startsWith(prefix));
  }

  /** The kinds of which objects are known. */
  get kinds(): readonly ObjectKind[] {
    const names = new Set([...this.objects.keys()].map((key) => key.slice(0, key.indexOf(' ', key.indexOf(' ') + 1))));
    return [...names].map((name) => {
      const [group = '', kind = ''] = name.split(' ');
      return { group, kind };
    });
  }

  /** Keeps what a record tells; gives the record's number. */
  tell(key: string, object: KubernetesObject | undefined): number {
    const entry: Entry = { n: ++this.last, key, object };
    apply(this.objects, entry);
    this.recent.push(entry);
    this.pending += `${JSON.stringify(entry)}\n`;
    this.lines++;
    this.write();
    return entry.n;
  }

  /** Resolves when all that was told so far is in the file; never, when the disk does not take it any more. */
  kept(): Promise<void> {
    return this.pending === '' ? Promise.resolve() : new Promise((resolve) => this.waiters.push(resolve));
  }

  /** All is well now: an end from here on has missed nothing before. */
  async alive(now: number): Promise<void> {
    await this.mark.set(now).catch(() => undefined);
  }

  /** What the disk does not take is kept, and tried again until it does. */
  private write(): void {
    this.writing = this.writing
      .then(() => this.append())
      .then(
        () => {
          this.trouble = undefined;
          if (this.pending === '') for (const resolve of this.waiters.splice(0)) resolve();
        },
        (error: unknown) => {
          this.trouble = error as Error;
          if (this.closed) return;
          clearTimeout(this.again);
          this.again = setTimeout(() => this.write(), RETRY_MS);
        },
      )
      .then(() => undefined);
  }

  private async append(): Promise<void> {
    const text = this.pending;
    if (text !== '') {
      if (this.torn) await this.file?.truncate(this.whole);
      this.torn = true;
      await this.file?.appendFile(text);
      await this.file?.datasync();
      this.torn = false;
      this.whole += Buffer.byteLength(text);
      this.pending = this.pending.slice(text.length);
    }
    if (this.recent.length > DEAD_LINES) this.settle();
    if (this.lines > 2 * this.objects.size + DEAD_LINES) await this.rewrite();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.again);
    if (this.trouble) this.write();
    await this.writing;
    await this.file?.close();
    this.file = undefined;
  }
}
