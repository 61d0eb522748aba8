import fc from 'fast-check';
import { conserve, dropSeries } from './conservation.js';
import { snapshotOf } from './ruleset-fixture.js';

describe('conserve', () => {
  it.each([
    ['all were seen', 3n, { attributed: 3n }, '3 = 3 + 0 + 0, excess 0'],
    ['none was seen', 3n, { attributed: 0n }, '3 = 0 + 0 + 3, excess 0'],
    [
      '600 dropped, the log showed 10',
      600n,
      { attributed: 10n, seenInLog: 10n, loggedByCounter: 10n },
      '600 = 10 + 590 + 0, excess 0',
    ],
    ['more blamed than counted', 2n, { attributed: 5n }, '2 = 2 + 0 + 0, excess 3'],
  ])('%s', (_, packets, known, wanted) => {
    const { counted, attributed, countedOnly, unexplained, excess } = conserve({ packets, reset: false }, known);
    expect(`${counted} = ${attributed} + ${countedOnly} + ${unexplained}, excess ${excess}`).toBe(wanted);
  });

  it('the parts always add up to the counter, and none is negative', () => {
    const amount = fc.bigInt({ min: 0n, max: 1_000_000n });
    fc.assert(
      fc.property(amount, amount, amount, fc.boolean(), (packets, attributed, seenInLog, reset) => {
        const parts = conserve({ packets, reset }, { attributed, seenInLog });
        expect(parts.attributed + parts.countedOnly + parts.unexplained).toBe(packets);
        expect(parts.attributed + parts.excess).toBe(attributed);
        expect([parts.attributed, parts.countedOnly, parts.unexplained, parts.excess].every((part) => part >= 0n)).toBe(
          true,
        );
        expect(parts.isLowerBound).toBe(reset);
      }),
    );
  });
});

it('dropSeries: one series per drop rule and dropping policy, also across a reset', () => {
  const at = (observedAt: number, policy: number, drop: number, accept: number) => ({
    ...snapshotOf(
      `*filter\n:FORWARD DROP [${policy}:0]\n[${drop}:0] -A FORWARD -s 10.0.0.1/32 -j DROP\n[${accept}:0] -A FORWARD -s 10.0.0.2/32 -j ACCEPT\nCOMMIT`,
    ),
    observedAt,
  });
  const series = dropSeries([at(1, 0, 0, 0), at(2, 1, 5, 9), at(3, 1, 5, 12), at(4, 1, 2, 13)]);
  const words = series.map(({ rule, points }) => [
    rule?.text ?? 'policy',
    ...points.map(({ from, to, packets, isLowerBound }) => `${from}-${to}: ${packets}${isLowerBound ? '+' : ''}`),
  ]);
  expect(words).toEqual([
    ['-A FORWARD -s 10.0.0.1/32 -j DROP', '1-2: 5', '3-4: 2+'],
    ['policy', '1-2: 1'],
  ]);
});
