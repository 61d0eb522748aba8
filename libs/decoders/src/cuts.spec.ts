import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { cutsOf } from './cuts.js';
import { decodeStream } from './registry.js';

const CAPTURES = new URL('xtables-trace/captures/', import.meta.url);
const HOOKS = ['raw:PREROUTING', 'nat:PREROUTING', 'filter:FORWARD', 'nat:POSTROUTING'];

/** What a payload says, whatever the order in which its packets end. */
function told(payload: string, firstLine = 1): readonly string[] {
  const context = { observedFrom: undefined, observedTo: undefined, firstLine, attributes: {} };
  return [...decodeStream('xtables-trace', payload, context)].map((item) => JSON.stringify(item));
}

/** What a payload says as a whole, and what its halves say for each place where it may be cut. */
function cutEverywhere(lines: readonly string[]): { whole: readonly string[]; cut: ReadonlyMap<number, unknown> } {
  const mayCut = cutsOf('xtables-trace', lines);
  const cut = new Map<number, unknown>();
  for (let at = 1; at < lines.length; at++) {
    if (!mayCut(at)) continue;
    const parts = [...told(lines.slice(0, at).join('')), ...told(lines.slice(at).join(''), at + 1)];
    cut.set(at, parts.toSorted());
  }
  return { whole: told(lines.join('')).toSorted(), cut };
}

const record = (word: string, id: number, text: string) =>
  `1795215600.000001 ${word}: 2 aa${id.toString(16)} ${text}\n`;

/** Lines of one packet: its headers at each hook it passes, and what became of it there. */
function way(id: number, ipId: number, hooks: number): readonly string[] {
  const headers = `IN=e SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TTL=63 ID=${ipId} DF SPORT=1 DPORT=2 SYN `;
  return HOOKS.slice(0, hooks).flatMap((hook) => [
    record('PACKET', id, headers),
    record(' TRACE', id, `${hook}:policy:ACCEPT `),
  ]);
}

/** Packets on several processors: each one's lines in their order, those of others between them, ids used again. */
const traces = fc
  .array(fc.record({ cpu: fc.nat(2), ipId: fc.nat(3), hooks: fc.integer({ min: 1, max: 4 }) }), { maxLength: 9 })
  .chain((packets) => {
    const lanes = [0, 1, 2].map((cpu) =>
      packets.filter((packet) => packet.cpu === cpu).flatMap(({ ipId, hooks }) => way(cpu, ipId, hooks)),
    );
    const length = lanes.flat().length;
    return fc.array(fc.nat(2), { minLength: length, maxLength: length }).map((picks) => {
      const left = lanes.map((lane) => [...lane]);
      return picks.flatMap((pick) => {
        const lane = [pick, 0, 1, 2].map((at) => left[at]).find((each) => each && each.length > 0);
        return lane?.shift() ?? [];
      });
    });
  });

it('says the same wherever a trace is cut, with the lines of packets between each other', () => {
  fc.assert(
    fc.property(traces, (lines) => {
      const { whole, cut } = cutEverywhere(lines);
      for (const parts of cut.values()) expect(parts).toEqual(whole);
    }),
    { numRuns: 150 },
  );
});

it('cuts a trace between packets, never between two hooks of one', () => {
  const [first, second] = [way(1, 7, 3), way(1, 8, 2)];
  expect([...cutEverywhere([...first, ...second]).cut.keys()]).toEqual([first.length]);
});

it('does not cut where another packet is still on its way', () => {
  const [[a1 = '', a2 = '', a3 = '', a4 = ''], b, c] = [way(1, 7, 2), way(2, 9, 1), way(3, 9, 1)];
  expect([...cutEverywhere([a1, a2, ...b, a3, a4, ...c]).cut.keys()]).toEqual([6]);
});

it.each(readdirSync(CAPTURES).filter((name) => name.endsWith('.txt')))(
  'says the same of %s wherever it is cut',
  (name) => {
    const { whole, cut } = cutEverywhere(readFileSync(new URL(name, CAPTURES), 'utf8').split(/(?<=\n)/));
    expect(cut.size).toBeGreaterThan(0);
    for (const parts of cut.values()) expect(parts).toEqual(whole);
  },
);

it('cuts other logs between any two lines', () => {
  const mayCut = cutsOf('conntrack-events', ['one\n', 'two\n']);
  expect([0, 1, 2].map(mayCut)).toEqual([true, true, false]);
});
