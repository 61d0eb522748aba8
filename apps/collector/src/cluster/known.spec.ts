import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KubernetesObject } from '@whydrop/model';
import type { Piece, Source } from '../batch/source.js';
import { smallDisk } from '../../test/small-disk.js';
import { keyOf, KnownObjects } from './known.js';
import { Outbox } from './outbox.js';

const SOURCE: Source = { stream: 'cluster/events.jsonl', format: 'kubernetes-events', class: 'control' };
const NOW = Date.UTC(2026, 10, 21, 12);

function pod(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'dev', labels: { text: 'x'.repeat(300) } } };
}

async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !done(); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (performance.now() > end) throw new Error('it did not come');
}

describe('what was told', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'whydrop-known-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is kept while the disk is full, told only when it is on the disk, and all there when there is room again', async () => {
    const disk = smallDisk('size=64k');
    if (disk === undefined) return;
    try {
      const file = path.join(disk, 'cluster-known.jsonl');
      const known = await KnownObjects.open(disk, () => undefined, NOW);
      const told: number[] = [];
      const lines = (_source: Source, { cursor }: Piece) => told.push(Number(cursor?.['n']));
      const sink = { lines, snapshot: () => undefined, room: () => Promise.resolve(), full: false };
      const outbox = new Outbox(SOURCE, known, { sink, past: { held: () => 0 }, maxBytes: 2 ** 20 });
      const ballast = path.join(disk, 'ballast');
      writeFileSync(ballast, Buffer.alloc(48 * 1024));
      const names = Array.from({ length: 60 }, (_, i) => `p${i}`);
      let last = 0;
      for (const name of names) {
        last = known.tell(keyOf(pod(name)), pod(name));
        outbox.tell([{ n: last, type: 'ADDED', at: NOW, object: pod(name) }]);
      }
      await until(() => known.trouble !== undefined);
      const lastLine = () => Number(/"n":(\d+)[^\n]*\n[^\n]*$/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
      expect(Math.max(0, ...told)).toBeLessThanOrEqual(lastLine());
      expect(told.length).toBeLessThan(names.length);
      expect([outbox.trouble, outbox.room(new AbortController().signal)]).toEqual([
        expect.stringContaining('ENOSPC'),
        expect.any(Promise),
      ]);
      rmSync(ballast);
      await until(() => known.trouble === undefined);
      await outbox.told();
      expect(told).toEqual(names.map((_, i) => i + 1));
      last = known.tell(keyOf(pod('p0')), undefined);
      await known.close();
      const again = await KnownObjects.open(disk, () => last, NOW);
      expect(again.of('', 'Pod').map(([, { metadata }]) => metadata.name)).toEqual(names.slice(1));
      await again.close();
    } finally {
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true });
    }
  });

  it('was right until the mark says; a folder without a mark has the time of its file', async () => {
    const first = await KnownObjects.open(folder, () => undefined, NOW);
    const last = first.tell(keyOf(pod('a')), pod('a'));
    expect(first.lastAlive).toBeUndefined();
    await first.close();
    rmSync(path.join(folder, 'cluster-alive'));
    const file = path.join(folder, 'cluster-known.jsonl');
    utimesSync(file, NOW / 1000 - 3600, NOW / 1000 - 3600);
    const second = await KnownObjects.open(folder, () => last, NOW);
    expect(second.lastAlive).toBe(NOW - 3_600_000);
    await second.close();
    // Nobody said meanwhile that all was well, though the file was written anew.
    expect(statSync(file).mtimeMs).toBeGreaterThan(NOW - 3_600_000);
    const third = await KnownObjects.open(folder, () => last, NOW);
    expect(third.lastAlive).toBe(NOW - 3_600_000);
    await third.alive(NOW);
    await third.close();
    const fourth = await KnownObjects.open(folder, () => last, NOW);
    expect(fourth.lastAlive).toBe(NOW);
    expect(fourth.kinds).toEqual([{ group: '', kind: 'Pod' }]);
    await fourth.close();
  });
});
