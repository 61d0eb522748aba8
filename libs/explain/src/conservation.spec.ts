import fc from 'fast-check';
import { type ConservedWindow, conserveWindows, SNAPSHOT_TAKES, spreadDrop, type ToldWindow } from './conservation.js';

const SECOND = 1_000_000;

function window(i: number, packets: number, told: number, early = 0, more: Partial<ToldWindow> = {}): ToldWindow {
  const [from, to] = [i * 10 * SECOND, (i + 1) * 10 * SECOND];
  const counts = { packets: BigInt(packets), told: BigInt(told), early: BigInt(early) };
  return { from, to, ...counts, isLowerBound: false, isKindKnown: true, ...more };
}

function shown({ attributed, countedOnly, unexplained, excess }: ConservedWindow): string {
  return `${attributed} + ${countedOnly} + ${unexplained}, ${excess} too many`;
}

const conserved = (...windows: readonly ToldWindow[]) => conserveWindows(windows).map(shown);

describe('conservation of counters', () => {
  it('600 dropped, 10 seen with addresses, 590 counted only', () => {
    expect(conserved(window(0, 600, 10))).toEqual(['10 + 590 + 0, 0 too many']);
  });

  it('what nothing shows the kind of is unexplained', () => {
    expect(conserved(window(0, 600, 0, 0, { isKindKnown: false }))).toEqual(['0 + 0 + 600, 0 too many']);
  });

  it('drops that exceed the counter are told, never a negative rest', () => {
    expect(conserved(window(0, 3, 5))).toEqual(['3 + 0 + 0, 2 too many']);
  });

  it('a packet just after the time stamp may have been counted by that snapshot already', () => {
    expect(conserved(window(0, 4, 3), window(1, 1, 2, 1))).toEqual(['4 + 0 + 0, 0 too many', '1 + 0 + 0, 0 too many']);
    expect(conserved(window(0, 4, 3), window(1, 1, 2, 0))[1]).toBe('1 + 0 + 0, 1 too many');
    expect(conserved(window(0, 4, 3), window(2, 1, 2, 1))[1]).toBe('1 + 0 + 0, 1 too many');
    expect(SNAPSHOT_TAKES).toBeLessThan(10 * SECOND);
  });

  const small = fc.integer({ min: 0, max: 20 });
  const windows = fc
    .array(fc.tuple(small, small, small, fc.boolean(), fc.boolean()), { maxLength: 12 })
    .map((all) =>
      all.map(([packets, told, early, isKindKnown, isLowerBound], i) =>
        window(i, packets, told, Math.min(told, early), { isKindKnown, isLowerBound }),
      ),
    );

  it('never attributes more than was counted, and the parts add up', () => {
    fc.assert(
      fc.property(windows, (all) => {
        const parts = conserveWindows(all);
        const total = { told: 0n, attributed: 0n, excess: 0n };
        for (const [i, part] of parts.entries()) {
          const { attributed, countedOnly, unexplained, excess } = part;
          const counted = all[i]?.packets ?? 0n;
          expect(attributed + countedOnly + unexplained).toBe(counted);
          expect([attributed, countedOnly, unexplained, excess].every((each) => each >= 0n)).toBe(true);
          expect(attributed <= counted).toBe(true);
          total.told += all[i]?.told ?? 0n;
          total.attributed += attributed;
          total.excess += excess;
        }
        expect(total.attributed + total.excess).toBe(total.told);
      }),
    );
  });

  it('a window comes out the same when only its neighbours are looked at', () => {
    fc.assert(
      fc.property(windows, fc.nat(), (all, any) => {
        if (all.length === 0) return;
        const at = any % all.length;
        const begin = Math.max(0, at - 1);
        expect(conserveWindows(all.slice(begin, at + 2))[at - begin]).toEqual(conserveWindows(all)[at]);
      }),
    );
  });
});

describe('a drop that reaches over several windows', () => {
  const drop = { from: 5 * SECOND, to: 28 * SECOND, packets: 4n };
  const all = [window(0, 3, 0), window(1, 1, 0), window(2, 8, 0)];

  it('counts where its packets were seen', () => {
    const seenAt = [5, 6, 12, 28].map((seconds) => seconds * SECOND);
    expect(spreadDrop({ ...drop, seenAt }, all)).toEqual([2n, 1n, 1n]);
    expect(spreadDrop({ ...drop, seenAt }, all.slice(0, 2))).toEqual([2n, 1n]);
  });

  it('else as the counter moved, else in its first window', () => {
    expect(spreadDrop({ ...drop, seenAt: [] }, all)).toEqual([1n, 0n, 3n]);
    expect(spreadDrop({ ...drop, seenAt: [] }, [window(0, 0, 0), window(1, 0, 0)])).toEqual([4n, 0n]);
  });

  it('loses and invents no packet where windows cover it', () => {
    const times = fc.array(fc.integer({ min: 0, max: 30 * SECOND - 1 }), { maxLength: 9 });
    fc.assert(
      fc.property(times, fc.nat(40), fc.array(fc.nat(9), { minLength: 3, maxLength: 3 }), (seenAt, packets, moved) => {
        const parts = spreadDrop(
          { ...drop, packets: BigInt(packets), seenAt },
          moved.map((count, i) => window(i, count, 0)),
        );
        expect(parts.reduce((sum, each) => sum + each, 0n)).toBe(BigInt(packets));
      }),
    );
  });
});
