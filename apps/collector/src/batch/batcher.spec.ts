import { setTimeout as wait } from 'node:timers/promises';
import type { Draft, Spool } from '../spool/spool.js';
import { Bases } from './bases.js';
import { Batcher } from './batcher.js';
import type { Source } from './source.js';

const FLUSH_MS = 600;
const DROPS: Source = { stream: 'nflog.100.json', format: 'nflog-json', class: 'drops' };
const FLOWS: Source = { stream: 'conntrack.log', format: 'conntrack-events', class: 'flows' };

/** A disk that takes everything; what was on it when is what is looked at. */
function disk() {
  const commits: (readonly string[])[] = [];
  let waiting: Draft[] = [];
  const spool = {
    trouble: undefined,
    get unwritten() {
      return waiting.length;
    },
    add: (draft: Draft) => void waiting.push(draft),
    commit: async () => {
      commits.push(waiting.map(({ stream }) => stream));
      waiting = [];
    },
  };
  const emitter = { cluster: 'c', node: 'n' };
  const options = { emitter, spool: spool as unknown as Spool, bases: new Bases(), flushMs: FLUSH_MS, now: Date.now };
  const batcher = new Batcher(options);
  const read = (source: Source) => batcher.lines(source, { bytes: Buffer.from('a line\n') });
  return { commits, read };
}

describe('when what was read goes to the disk', () => {
  it('flows wait for others; a drop that comes takes them along at once', async () => {
    const { commits, read } = disk();
    read(FLOWS);
    await wait(FLUSH_MS / 3);
    expect(commits).toEqual([]);
    read(DROPS);
    await wait(FLUSH_MS / 3);
    expect(commits).toEqual([[FLOWS.stream, DROPS.stream]]);
  });

  it('drops that follow one another closely are together', async () => {
    const { commits, read } = disk();
    read(DROPS);
    await wait(FLUSH_MS / 6);
    for (let i = 0; i < 5; i++) read(DROPS);
    await wait(FLUSH_MS / 6);
    expect(commits).toHaveLength(1);
    await wait(FLUSH_MS);
    expect(commits).toEqual([[DROPS.stream], [DROPS.stream]]);
  });
});
