import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { Lease, Wreck } from './chain.js';
import { type Draft, type Dropped, Spool } from './spool.js';

const SEGMENT = 2_000;

let folder: string;
let spool: Spool;

const draft = (text: string, to = 2_000): Draft => ({
  ...{ class: 'drops', stream: 'log', records: 1, from: 1_000, to },
  body: () => Buffer.from(text),
});

async function write(text: string, to?: number): Promise<void> {
  spool.add(draft(text, to));
  await spool.commit();
}

const segments = () => readdirSync(folder).filter((name) => name.startsWith('drops-'));

async function leases(): Promise<readonly Lease[]> {
  const found: Lease[] = [];
  for (let lease = await spool.next(); lease; lease = await spool.next()) found.push(lease);
  return found;
}

async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !done(); await sleep(5)) {
    if (performance.now() > end) throw new Error('it did not come');
  }
}

function overwrite(name: string, at: number): void {
  const file = openSync(name, 'r+');
  writeSync(file, 'rubbish', at);
  closeSync(file);
}

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'whydrop-disk-'));
  spool = await Spool.open({ folder, maxBytes: 1 << 20, segmentBytes: SEGMENT, report: () => draft('report') });
});

afterEach(async () => {
  jest.restoreAllMocks();
  await spool.close();
  rmSync(folder, { recursive: true });
});

/** What every open file inherits from. */
async function handles(): Promise<FileHandle> {
  const handle = await openFile(folder, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

type Method = (this: FileHandle, ...words: unknown[]) => Promise<unknown>;

const methodOf = (all: FileHandle, name: string) => Reflect.get(all, name) as Method;

describe('what is committed', () => {
  it('was flushed to the disk before, in the file that it was written to', async () => {
    const all = await handles();
    const [write_, flush] = [methodOf(all, 'write'), methodOf(all, 'datasync')];
    const written: string[] = [];
    const unflushed = new Set<number>();
    jest.spyOn(all, 'write').mockImplementation(function (this: FileHandle, ...words: unknown[]) {
      unflushed.add(this.fd);
      written.push(readlinkSync(`/proc/self/fd/${this.fd}`));
      return write_.apply(this, words) as never;
    });
    jest.spyOn(all, 'datasync').mockImplementation(async function (this: FileHandle) {
      const { fd } = this;
      await flush.call(this);
      unflushed.delete(fd);
    });
    for (let at = 0; at < 40; at++) {
      await write('.'.repeat(200));
      expect([...unflushed]).toEqual([]);
    }
    expect(new Set(written.map((name) => path.dirname(name)))).toEqual(new Set([folder]));
    expect(new Set(written).size).toBeGreaterThan(3);
  });

  it('is not committed while the disk has not said so, and not at all when it says no', async () => {
    let answer: ((error?: Error) => void) | undefined;
    const held = () =>
      new Promise<void>((resolve, reject) => {
        answer = (error) => (error ? reject(error) : resolve());
      });
    jest.spyOn(await handles(), 'datasync').mockImplementationOnce(held);
    let done = false;
    const first = write('a').then(() => (done = true));
    await until(() => answer !== undefined);
    await sleep(20);
    expect(done).toBe(false);
    expect(spool.open).toBe(0);
    answer?.(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }));
    await expect(first).rejects.toThrow('EIO');
    expect(spool.trouble?.message).toContain('EIO');
    await spool.commit();
    expect(spool.trouble).toBeUndefined();
    expect((await leases()).map(({ entry }) => entry.head.sequence)).toEqual([0]);
  });

  it('has the name of its file flushed to the disk as well', async () => {
    const all = await handles();
    const sync = methodOf(all, 'sync');
    const flushed: string[] = [];
    jest.spyOn(all, 'sync').mockImplementation(async function (this: FileHandle) {
      flushed.push(readlinkSync(`/proc/self/fd/${this.fd}`));
      await sync.call(this);
    });
    const before = segments().length;
    while (segments().length === before) await write('.'.repeat(500));
    expect(flushed).toEqual([folder]);
  });
});

describe('what was acknowledged and cannot be removed', () => {
  it('stops nobody, is told, and goes by itself when it can', async () => {
    await write('.'.repeat(1_900));
    await write('.'.repeat(1_900));
    const [stuck = ''] = segments();
    // A folder is not removed like a file, also not by root.
    unlinkSync(path.join(folder, stuck));
    mkdirSync(path.join(folder, stuck));
    for (const lease of await leases()) spool.acknowledge(lease);
    await until(() => spool.untidy !== undefined);
    expect(spool.trouble).toBeUndefined();
    const bytes = spool.bytes;
    rmdirSync(path.join(folder, stuck));
    await until(() => spool.untidy === undefined);
    expect(spool.bytes).toBeLessThan(bytes - 1_900);
    expect(spool.open).toBe(0);
  });

  it('does not keep a new file from being begun', async () => {
    await write('.'.repeat(1_900));
    await write('.'.repeat(1_900));
    const [stuck = ''] = segments();
    unlinkSync(path.join(folder, stuck));
    mkdirSync(path.join(folder, stuck));
    for (const lease of await leases()) spool.acknowledge(lease);
    for (let at = 0; at < 5; at++) await write('.'.repeat(1_900));
    expect(segments().length).toBeLessThan(8);
    expect(spool.open).toBe(5);
    rmdirSync(path.join(folder, stuck));
  });
});

it('what was dropped and cannot be removed costs no more than itself', async () => {
  const dropped: number[] = [];
  const report = (lost: readonly Dropped[]): Draft => {
    dropped.push(...lost.map(({ lastSequence }) => lastSequence));
    return { ...draft('report'), class: 'control' };
  };
  await spool.close();
  spool = await Spool.open({ folder, maxBytes: 6_000, segmentBytes: SEGMENT, report });
  for (let at = 0; at < 2; at++) await write('.'.repeat(1_900));
  const stuck = path.join(folder, segments().toSorted()[0] ?? '');
  unlinkSync(stuck);
  mkdirSync(stuck);
  spool.add(draft('.'.repeat(1_900)));
  for (let tries = 0; tries < 3; tries++) await expect(spool.commit()).rejects.toThrow();
  expect(dropped).toEqual([0]);
  rmdirSync(stuck);
  await spool.commit();
  expect(dropped).toEqual([0]);
  expect(spool.open).toBe(3);
});

describe('while the server is away', () => {
  const loaded = () => {
    const chain = spool.chain('drops') as unknown as { segments: { entries?: unknown[]; handle?: unknown }[] };
    return chain.segments.filter(({ entries, handle }) => entries !== undefined || handle !== undefined).length;
  };

  it('only the files that are written to and sent from are open, with their batches in memory', async () => {
    for (let at = 0; at < 60; at++) {
      await write(`${at} ${'.'.repeat(300)}`);
      // The server is asked again and again, and says no.
      const lease = await spool.next();
      if (lease) spool.giveBack(lease);
    }
    expect(segments().length).toBeGreaterThan(10);
    expect(loaded()).toBe(2);
    const sent = await leases();
    expect(sent.map(({ entry }) => entry.head.sequence)).toEqual(Array.from({ length: 60 }, (_, at) => at));
    const bodies = await Promise.all(sent.map((lease) => spool.body(lease)));
    expect(bodies.map((body) => Number.parseInt(body?.toString() ?? '', 10))).toEqual(sent.map((_, at) => at));
    for (const lease of sent) spool.acknowledge(lease);
    expect(spool.open).toBe(0);
    await until(() => segments().length === 1);
  });

  it.each(['changed', 'removed'])('a file that was %s is told, and the others are sent', async (how) => {
    const wrecks: Wreck[] = [];
    spool.onWreck = (_name, wreck) => void wrecks.push(wreck);
    for (let at = 0; at < 20; at++) await write(`${at} ${'.'.repeat(300)}`, 10_000 + at);
    const name = path.join(folder, segments()[2] ?? '');
    const size = statSync(name).size;
    if (how === 'removed') unlinkSync(name);
    // The middle of the last batch.
    else overwrite(name, readFileSync(name).lastIndexOf('...') - 100);
    const sent = await leases();
    expect(wrecks).toMatchObject([{ segment: name }]);
    if (how === 'removed') expect(wrecks[0]?.bytes).toBe(size);
    else expect(wrecks[0]?.after).toBeGreaterThan(10_000);
    expect(sent.length).toBeLessThan(20);
    expect(sent.length).toBeGreaterThan(10);
    for (const lease of sent) spool.acknowledge(lease);
    expect(spool.open).toBe(0);
    await until(() => segments().length === 1);
  });
});
