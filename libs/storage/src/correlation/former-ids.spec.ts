import type { CorrelatedDrop } from '@whydrop/explain';
import { type GoneDrop, renamedDrops } from './former-ids.js';

/** A drop as it is told now, with the lines that its connection was seen in. */
function now(id: string, firstSeenAt: number, lines: readonly string[]): CorrelatedDrop {
  const flows = lines.map((raw) => ({ node: 'n1', flow: { raw } }));
  return { drop: { id, firstSeenAt }, attempt: { flows, packets: [], verdicts: [] } } as unknown as CorrelatedDrop;
}

function gone(id: string, firstSeenAt: number, lines: readonly (readonly ['counter' | 'trace', string | undefined])[]) {
  const evidence = lines.map(([channel, raw]) => ({ channel, raw }));
  return { id, firstSeenAt, evidence } as unknown as GoneDrop;
}

const names = (before: readonly GoneDrop[], after: readonly CorrelatedDrop[]) =>
  renamedDrops(before, after).map(({ from, to }) => `${from} ${to.id}`);

describe('a drop that is not told under its id any more', () => {
  it('is the one that rests on the same line, whatever its time', () => {
    const told = [now('b', 900, ['x', 'early']), now('c', 1000, ['y'])];
    expect(names([gone('a', 1000, [['trace', 'x']])], told)).toEqual(['a b']);
  });

  it('is the nearest in time where lines are the same to the letter', () => {
    const told = [now('far', 5000, ['x']), now('near', 1100, ['x'])];
    expect(names([gone('a', 1000, [['trace', 'x']])], told)).toEqual(['a near']);
  });

  it('is none where it turned out to be none: a counter stands for many', () => {
    const lines = [
      ['counter', 'x'],
      ['trace', undefined],
      ['trace', ''],
    ] as const;
    expect(names([gone('a', 1000, lines)], [now('b', 1000, ['x', ''])])).toEqual([]);
  });

  it('of several that became one, each leads to it', () => {
    const before = [gone('a', 1000, [['trace', 'x']]), gone('b', 2000, [['trace', 'y']])];
    expect(names(before, [now('c', 900, ['x', 'y'])])).toEqual(['a c', 'b c']);
  });
});
