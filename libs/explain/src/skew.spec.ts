import { decodeStream } from '@whydrop/decoders';
import { at, T0 } from './fixture.js';
import { byCommonTime, clockAssumptions, clockOffsets, offsetsOf, onOneClock } from './skew.js';
import type { Surroundings } from './surroundings.js';
import type { Witnesses } from './witness.js';

function opened(node: string, seconds: number, port: number): Witnesses['flows'] {
  const ends = `src=10.1.1.7 dst=10.1.2.9 sport=${port} dport=80`;
  const reply = `src=10.1.2.9 dst=10.1.1.7 sport=80 dport=${port}`;
  const line = `[${at(seconds)}]\t    [NEW] tcp      6 120 SYN_SENT ${ends} [UNREPLIED] ${reply} id=${port}\n`;
  const context = { observedFrom: T0, observedTo: undefined, firstLine: 1, attributes: {} };
  return [...decodeStream('conntrack-events', line, context)].flatMap((item) =>
    item.kind === 'flow' ? [{ node, flow: item }] : [],
  );
}

/** Connections that every node named saw, each by its own clock. */
function seenBy(ahead: Readonly<Record<string, number>>, ports: readonly number[]): Witnesses {
  const flows = ports.flatMap((port, index) =>
    Object.entries(ahead).flatMap(([node, seconds]) => opened(node, index * 0.7 + seconds, port)),
  );
  return { flows, packets: [], verdicts: [] };
}

const PORTS = [40001, 40002, 40003, 40004, 40005];

describe('clocks of nodes', () => {
  it('are left alone where they agree, but for the way of a packet', () => {
    expect(clockOffsets(seenBy({ n1: 0, n2: 0.1, n3: -0.08 }, PORTS))).toEqual(new Map());
  });

  it.each([1.8, -2, 0.4])('of three, the one that is %d s off is told from the two that agree', (seconds) => {
    const offsets = clockOffsets(seenBy({ n1: 0.02, n2: seconds, n3: 0 }, PORTS));
    expect([...offsets.keys()]).toEqual(['n2']);
    expect(Math.abs((offsets.get('n2') ?? 0) / 1e6 - seconds)).toBeLessThan(0.06);
  });

  it('of two that differ, the one that is behind is taken for the time', () => {
    expect(clockOffsets(seenBy({ n1: 0, n2: 1.5 }, PORTS))).toEqual(new Map([['n2', 1_500_000]]));
    expect(clockOffsets(seenBy({ n1: 1.5, n2: 0 }, PORTS))).toEqual(new Map([['n1', 1_500_000]]));
  });

  it('are not judged by too few connections', () => {
    expect(clockOffsets(seenBy({ n1: 0, n2: 1.5 }, PORTS.slice(0, 2)))).toEqual(new Map());
  });

  it('are not moved by a minority of connections that are others on the same ports', () => {
    const right = seenBy({ n1: 0, n2: 2, n3: 0 }, PORTS);
    const wrong = seenBy({ n1: 0, n2: 25, n3: 0 }, [50001, 50002]);
    const both = { ...right, flows: [...right.flows, ...wrong.flows] };
    expect(clockOffsets(both)).toEqual(new Map([['n2', 2_000_000]]));
  });

  it('are not judged by stamps of whole seconds', () => {
    const whole = PORTS.flatMap((port, index) => [...opened('n1', index + 0.7, port), ...opened('n2', index, port)]);
    expect(clockOffsets({ flows: whole, packets: [], verdicts: [] })).toEqual(new Map());
  });

  it('reach over a node between them', () => {
    const of = (first: string, second: string, by: number) => ({ first, second, differences: [by, by, by] });
    const offsets = offsetsOf([of('a', 'b', 0), of('b', 'c', 0), of('c', 'd', 2_000_000)]);
    expect(offsets).toEqual(new Map([['d', 2_000_000]]));
  });

  it('do not depend on the order of the witnesses', () => {
    const all = seenBy({ n1: 0, n2: 1.3, n3: 0 }, PORTS);
    expect(clockOffsets({ ...all, flows: all.flows.toReversed() })).toEqual(clockOffsets(all));
  });
});

describe('times on one clock', () => {
  const offsets = new Map([['n2', 2_000_000]]);

  it('move the records of the node whose clock is off, and no others', () => {
    const { flows } = onOneClock(seenBy({ n1: 0, n2: 2 }, [40001]), offsets);
    expect(flows.map(({ node, flow }) => [node, flow.observedAt])).toEqual([
      ['n1', T0],
      ['n2', T0],
    ]);
  });

  it('ask what a node stamped itself by its own clock', () => {
    const asked: unknown[] = [];
    const surroundings = {
      rulesets: (...question: unknown[]) => (asked.push(question), []),
      covered: (...question: unknown[]) => (asked.push(question), true),
      conntrackWatermark: () => T0,
    } as unknown as Surroundings;
    const common = byCommonTime(surroundings, offsets);
    common.rulesets('n2', 'inet', T0, T0 + 1);
    common.rulesets('n1', 'inet', T0, T0 + 1);
    common.covered('n2', 'conntrack', T0, T0 + 1);
    expect(asked).toEqual([
      ['n2', 'inet', T0 + 2_000_000, T0 + 2_000_001],
      ['n1', 'inet', T0, T0 + 1],
      ['n2', 'conntrack', T0 + 2_000_000, T0 + 2_000_001],
    ]);
    expect([common.conntrackWatermark('n2'), common.conntrackWatermark('n1')]).toEqual([T0 - 2_000_000, T0]);
  });

  it('are named in the assumptions of what leans on them', () => {
    const witnesses = seenBy({ n2: 0 }, [40001]);
    const sentence = 'the clock of node n2 runs 2.0 s ahead of the others: its records were moved by that';
    expect(clockAssumptions(witnesses, undefined, offsets)).toEqual([sentence]);
    expect(clockAssumptions(seenBy({ n1: 0 }, [40001]), 'n2', offsets)).toEqual([sentence]);
    expect(clockAssumptions(seenBy({ n1: 0 }, [40001]), 'n1', offsets)).toEqual([]);
  });
});
