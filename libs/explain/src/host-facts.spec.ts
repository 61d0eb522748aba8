import type { MetricSample } from '@whydrop/model';
import { createHostFacts } from './host-facts.js';

const SECOND = 1_000_000;
const NAME = 'conntrack_drop';

/** Samples of one counter: second and value, one CPU each. */
function growth(points: readonly (readonly [number, number])[], from: number, to = from) {
  const samples = points.map(([seconds, value], cpu) => {
    const labels = { cpu: `${cpu}` };
    const item: MetricSample = {
      ...{ kind: 'metric', name: NAME, type: 'counter', labels, raw: '', line: 0 },
      ...{ observedAt: seconds * SECOND, value },
    };
    return { node: 'n1', item };
  });
  return createHostFacts([], samples).growth('n1', NAME, from * SECOND, to * SECOND)?.by;
}

describe('what a counter of a node gained around some time', () => {
  it('is told by the samples on both sides of it', () => {
    expect(growth([[0, 3], [60, 8], [120, 20]], 30)).toBe(5); // prettier-ignore
    expect(growth([[0, 3], [60, 8], [120, 20]], 30, 90)).toBe(17); // prettier-ignore
  });

  it('adds up what the CPUs say at one time', () => {
    expect(growth([[0, 3], [0, 4], [60, 5], [60, 5]], 30)).toBe(3); // prettier-ignore
  });

  it('is not known when it went down: the node was started anew', () => {
    expect(growth([[0, 30], [60, 8]], 30)).toBeUndefined(); // prettier-ignore
  });

  it.each([
    ['after', [[0, 3], [700, 8]], 30], // prettier-ignore
    ['before', [[0, 3], [700, 8]], 690], // prettier-ignore
  ] as const)('is not known when the sample %s it lies more than ten minutes away', (_, points, from) => {
    expect(growth(points, from)).toBeUndefined();
  });
});
