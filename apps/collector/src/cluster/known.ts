import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { KubernetesObject } from '@whydrop/model';

/** One object as it was last told; `undefined` as its object: it is gone. */
interface Entry {
  /** Number of the record that told it. */
  readonly n: number;
  readonly key: string;
  readonly object: KubernetesObject | undefined;
}

/** More dead lines than this and as many as there are objects: the file is written anew. */
const DEAD_LINES = 10_000;

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
  /** Until when an earlier run watched, milliseconds since 1970; the file's own time says so. */
  lastAlive: number | undefined;

  private constructor(
    private readonly name: string,
    private readonly onDisk: () => number | undefined,
    private last: number,
  ) {}

  /** `onDisk`: number of the last record that is on the disk; undefined when the spool knows of none. */
  static async open(folder: string, onDisk: () => number | undefined): Promise<KnownObjects> {
    const upTo = onDisk();
    const known = new KnownObjects(path.join(folder, 'cluster-known.jsonl'), onDisk, upTo ?? 0);
    if (upTo !== undefined) {
      known.lastAlive = await stat(known.name).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined,
      );
      await known.read(upTo);
    }
    await known.rewrite().catch(async (error: unknown) => {
      await known.file?.close();
      throw error;
    });
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
    await this.file?.close();
    const fresh = `${this.name}.new`;
    await rm(fresh, { force: true });
    this.file = await open(fresh, 'a', 0o600);
    // Whatever waits to be written is among the recent ones.
    this.pending = '';
    await this.file.appendFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    await rename(fresh, this.name);
    this.lines = entries.length;
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

  /** Keeps what a record tells; gives the record's number. */
  tell(key: string, object: KubernetesObject | undefined): number {
    const entry: Entry = { n: ++this.last, key, object };
    apply(this.objects, entry);
    this.recent.push(entry);
    this.pending += `${JSON.stringify(entry)}\n`;
    this.lines++;
    this.writing = this.writing.then(() => this.write());
    return entry.n;
  }

  /** All is well now: an end from here on has missed nothing before. */
  async alive(): Promise<void> {
    const now = new Date();
    await utimes(this.name, now, now).catch(() => undefined);
  }

  private async write(): Promise<void> {
    const text = this.pending;
    this.pending = '';
    if (text !== '') await this.file?.appendFile(text);
    if (this.recent.length > DEAD_LINES) this.settle();
    if (this.lines > 2 * this.objects.size + DEAD_LINES) await this.rewrite();
  }

  async close(): Promise<void> {
    await this.writing;
    await this.file?.close();
    this.file = undefined;
  }
}
