import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Chain } from './chain.js';
import { crc32c } from './crc32c.js';
import { readFrames, writeFrame } from './frame.js';
import { holdFolder, LockedError } from './lock.js';
import type { SpoolClass } from './record.js';
import { type Draft, type Dropped, Spool } from './spool.js';

const folders: string[] = [];
const folder = () => {
  const made = mkdtempSync(path.join(tmpdir(), 'whydrop-spool-'));
  folders.push(made);
  return made;
};
afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true, force: true })));

let epochs = 0;
const reported: Dropped[] = [];

function open(where: string, maxBytes = 64 * 1024 * 1024, segmentBytes?: number): Promise<Spool> {
  const report = (dropped: readonly Dropped[]): Draft => {
    reported.push(...dropped);
    return draft('control', 'gaps', JSON.stringify(dropped));
  };
  const size = segmentBytes === undefined ? {} : { segmentBytes };
  return Spool.open({ folder: where, maxBytes, report, freshEpoch: () => ++epochs, ...size });
}

function draft(name: SpoolClass, stream: string, text: string, cursor?: Record<string, unknown>): Draft {
  const facts = { class: name, stream, records: 1, from: 1_000, to: 2_000, ...(cursor ? { cursor } : {}) };
  return { ...facts, body: ({ epoch, sequence }) => Buffer.from(`${epoch}/${sequence}/${text}`) };
}

async function texts(spool: Spool): Promise<readonly string[]> {
  const found: string[] = [];
  for (let lease = await spool.next(); lease; lease = await spool.next()) {
    found.push((await spool.body(lease))?.toString() ?? 'unreadable');
  }
  return found;
}

const segments = (where: string, name: SpoolClass) =>
  readdirSync(where)
    .filter((each) => each.startsWith(name))
    .map((each) => path.join(where, each));

/** A spool with so many batches in its class `drops`, closed. */
async function filled(count: number, size = 20): Promise<string> {
  const where = folder();
  const spool = await open(where);
  for (let index = 0; index < count; index++)
    spool.add(draft('drops', 'log', String(index).padEnd(size, '.'), { index }));
  await spool.commit();
  await spool.close();
  return where;
}

describe('the sum of a record', () => {
  it('is CRC-32C: the check value of the catalogue', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa); // RFC 3720 B.4
  });
});

describe('the spool', () => {
  it('gives back what was committed, what matters most first, under the numbers it had', async () => {
    const where = folder();
    const first = await open(where);
    first.add(draft('flows', 'conntrack', 'a'));
    first.add(draft('drops', 'nflog', 'b'));
    first.add(draft('flows', 'conntrack', 'c'));
    await first.commit();
    const seen = await texts(first);
    expect(seen.map((text) => text.replace(/^\d+/, ''))).toEqual(['/0/b', '/0/a', '/1/c']);
    await first.close();
    const second = await open(where);
    expect(await texts(second)).toEqual(seen);
    await second.close();
  });

  it('numbers on after a restart, and after everything was acknowledged and removed', async () => {
    const where = folder();
    for (const round of [0, 1, 2]) {
      const spool = await open(where);
      spool.add(draft('drops', 'log', 'x', { round }));
      await spool.commit();
      const lease = await spool.next();
      expect(lease?.entry.head.sequence).toBe(round);
      if (lease) spool.acknowledge(lease);
      await spool.close();
      const again = await open(where);
      expect(again.chain('drops').ledger.cursor('log')).toEqual({ round });
      await again.close();
    }
  });

  it('forgets what was not committed, and its number is free', async () => {
    const where = folder();
    const killed = await open(where);
    killed.add(draft('drops', 'log', 'lost', { at: 1 }));
    const next = await open(where);
    expect(next.chain('drops').ledger.cursor('log')).toBeUndefined();
    next.add(draft('drops', 'log', 'kept', { at: 1 }));
    await next.commit();
    expect((await texts(next))[0]).toMatch(/\/0\/kept$/);
    await next.close();
  });

  it('removes a segment only when every batch in it is acknowledged', async () => {
    const where = folder();
    const spool = await open(where, 1 << 26, 200);
    for (const text of ['a', 'b', 'c']) {
      spool.add(draft('drops', 'log', text.repeat(150)));
      await spool.commit();
    }
    const leases = [await spool.next(), await spool.next(), await spool.next()];
    const before = segments(where, 'drops').length;
    if (leases[1]) spool.acknowledge(leases[1]);
    await spool.commit();
    expect(segments(where, 'drops')).toHaveLength(before - 1);
    await spool.close();
    const again = await open(where);
    expect((await texts(again)).map((text) => text.at(-1))).toEqual(['a', 'c']);
    await again.close();
  });

  it('drops the oldest flows first and drops last, and says so before', async () => {
    const where = folder();
    reported.length = 0;
    const spool = await open(where, 20_000, 2_000);
    for (let index = 0; index < 6; index++) {
      for (const name of ['drops', 'counters', 'flows'] as const) {
        spool.add(draft(name, name, `${index}`.repeat(1_500)));
        await spool.commit();
      }
    }
    expect(spool.bytes).toBeLessThan(20_000 + 2_000);
    const left = (await texts(spool)).map((text) => text.split('/'));
    expect(left.filter(([, , text]) => text?.length === 1_500)).toHaveLength(left.length - reports(left));
    expect(reported.map(({ stream }) => stream)).toContain('flows');
    expect(reported.map(({ stream }) => stream)).not.toContain('drops');
    const lost = reported.reduce((sum, { records }) => sum + records, 0);
    expect(lost + left.filter(([, , text]) => text?.length === 1_500).length).toBe(18);
    await spool.close();
  });

  it('has nothing left to write when a report alone made room for itself', async () => {
    const spool = await open(folder(), 2_000, 300);
    while (spool.bytes < 1_500) {
      spool.add(draft('counters', 'log', '.'.repeat(100)));
      await spool.commit();
    }
    const before = reported.length;
    spool.add(draft('control', 'gaps', '.'.repeat(600)));
    await spool.commit();
    expect(spool.unwritten).toBe(0);
    expect(reported.length).toBeGreaterThan(before);
    await spool.close();
  });

  it('keeps every byte of what it cannot write, and goes on when the disk takes it', async () => {
    const where = folder();
    const spool = await open(where);
    spool.add(draft('drops', 'log', 'a'));
    await spool.commit();
    const active = spool.chain('drops') as unknown as { active: { append: (bytes: Buffer) => Promise<void> } };
    const append = active.active.append.bind(active.active);
    active.active.append = async (bytes) => {
      await append(bytes.subarray(0, 10)).catch(() => undefined);
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
    spool.add(draft('drops', 'log', 'b'));
    await expect(spool.commit()).rejects.toThrow('ENOSPC');
    expect(spool.trouble).toBeDefined();
    expect(spool.unwritten).toBeGreaterThan(0);
    active.active.append = append;
    await spool.commit();
    expect(spool.trouble).toBeUndefined();
    expect((await texts(spool)).map((text) => text.replace(/^\d+/, ''))).toEqual(['/0/a', '/1/b']);
    await spool.close();
  });
});

const reports = (left: readonly (readonly string[])[]) => left.filter(([, , text]) => text?.startsWith('[')).length;

describe('a spool that was cut or changed', () => {
  it('cut at every byte: every whole batch is there, the rest is told, and numbers begin anew', async () => {
    const where = await filled(3);
    const [file = ''] = segments(where, 'drops');
    const bytes = readFileSync(file);
    const { frames } = readFrames(bytes);
    const ends = new Set([0, ...frames.map(({ offset, length }) => offset + length)]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const copy = folder();
      writeFileSync(path.join(copy, path.basename(file)), bytes.subarray(0, cut));
      const chain = await Chain.open({
        folder: copy,
        name: 'drops',
        segmentBytes: 1 << 20,
        freshEpoch: () => ++epochs,
      });
      const whole = frames.filter(
        ({ offset, length, head }) => (head as { kind: string }).kind === 'batch' && offset + length <= cut,
      );
      expect(chain.open).toBe(whole.length);
      expect(chain.wrecks.length).toBe(ends.has(cut) ? 0 : 1);
      expect(chain.number('log')).toMatchObject(ends.has(cut) ? {} : { sequence: 0, epoch: epochs });
      await chain.close();
      rmSync(copy, { recursive: true });
    }
  }, 60_000);

  it('with any one bit flipped: no batch is invented, at most one is lost, and that is told', async () => {
    const where = await filled(5);
    const [file = ''] = segments(where, 'drops');
    const bytes = readFileSync(file);
    const before = readFrames(bytes).frames.map(({ body }) => body.toString());
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      const { frames, damages } = readFrames(bytes);
      expect(damages.length).toBe(1);
      expect(frames.length).toBe(before.length - 1);
      expect(frames.every(({ body }) => before.includes(body.toString()))).toBe(true);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    }
  });

  it('never numbers on behind damage: what was sent under those numbers is not known', async () => {
    const where = await filled(3);
    const [file = ''] = segments(where, 'drops');
    truncateSync(file, statSync(file).size - 5);
    const spool = await open(where);
    spool.add(draft('drops', 'log', 'new'));
    await spool.commit();
    expect((await texts(spool)).at(-1)).toMatch(/\/0\/new$/);
    await spool.close();
  });

  it('is read to the next whole record behind rubbish', () => {
    const record = writeFrame({ kind: 'batch' }, Buffer.from('body'));
    const { frames, damages } = readFrames(Buffer.concat([record, Buffer.from('WDR1rubbish'), record]));
    expect(frames).toHaveLength(2);
    expect(damages).toEqual([{ offset: record.length, length: 11 }]);
  });
});

describe('the lock of a spool', () => {
  it('lets one in, and the next one when that is gone', async () => {
    const where = folder();
    const release = await holdFolder(where);
    await expect(holdFolder(where)).rejects.toThrow(LockedError);
    await release();
    await (
      await holdFolder(where)
    )();
  });

  it('takes over what a killed process left, in a folder with a long name too', async () => {
    const where = path.join(folder(), 'x'.repeat(120));
    const { mkdirSync } = await import('node:fs');
    const { spawnSync } = await import('node:child_process');
    mkdirSync(where);
    const script = `require('node:net').createServer().listen('/proc/self/fd/'+require('node:fs').openSync(${JSON.stringify(where)},'r')+'/lock',()=>process.kill(process.pid,'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(readdirSync(where)).toContain('lock');
    await (
      await holdFolder(where)
    )();
  });
});
