import type { TraceObservation } from '@whydrop/model';
import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
const packet = (id: string, ipId: number, rest = 'SPORT=1 DPORT=2 SYN'): string =>
  `1795215600.000001 PACKET: 2 ${id} IN=ens4 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x0 TTL=63 ID=${ipId} DF ${rest} `;
const step = (id: string, where: string, rule = ''): string =>
  `1795215600.000002  TRACE: 2 ${id} ${where} ${rule && ` -4 -t filter ${rule}`}`;

function decode(lines: readonly string[]) {
  return [...decodeStream('xtables-trace', `${lines.join('\n')}\n`, CONTEXT)];
}

function verdicts(lines: readonly string[]): string[][] {
  return decode(lines)
    .filter((answer): answer is TraceObservation => answer.kind === 'trace')
    .map((trace) => trace.hits.map((hit) => hit.verdict));
}

it('joins the base chains one packet passed', () => {
  const way = [
    packet('aa', 7),
    step('aa', 'raw:PREROUTING:policy:ACCEPT'),
    packet('aa', 7),
    step('aa', 'filter:FORWARD:policy:DROP'),
  ];
  expect(verdicts(way)).toEqual([['POLICY_ACCEPT', 'POLICY_DROP']]);
});

it('joins INPUT, where nat comes last', () => {
  const way = [
    packet('aa', 7),
    step('aa', 'filter:INPUT:policy:ACCEPT'),
    packet('aa', 7),
    step('aa', 'nat:INPUT:policy:ACCEPT'),
  ];
  expect(verdicts(way)).toEqual([['POLICY_ACCEPT', 'POLICY_ACCEPT']]);
});

it('keeps packets apart whose lines stand between each other', () => {
  const mixed = [
    packet('aa', 7),
    packet('bb', 9),
    step('aa', 'raw:PREROUTING:policy:ACCEPT'),
    step('bb', 'raw:PREROUTING:policy:ACCEPT'),
    packet('bb', 9),
    packet('aa', 7),
    step('bb', 'filter:FORWARD:policy:DROP'),
    step('aa', 'filter:FORWARD:policy:ACCEPT'),
  ];
  const ways = verdicts(mixed).map((way) => way.join(' '));
  expect(new Set(ways)).toEqual(new Set(['POLICY_ACCEPT POLICY_ACCEPT', 'POLICY_ACCEPT POLICY_DROP']));
  expect(decode(mixed)).toHaveLength(2);
});

it('tells a later packet with the same trace id by its header, or by coming to an earlier hook', () => {
  const end = step('aa', 'filter:FORWARD:policy:DROP');
  expect(verdicts([packet('aa', 7), end, packet('aa', 8), end])).toHaveLength(2);
  const prerouting = step('aa', 'raw:PREROUTING:policy:ACCEPT');
  expect(verdicts([packet('aa', 0), prerouting, packet('aa', 0), end, packet('aa', 0), prerouting])).toHaveLength(2);
});

it('tells REJECT from DROP by the rule, not by a word in its comment', () => {
  const drop = step('aa', 'filter:X:rule:0x13:DROP', '-A X -m comment --comment REJECT -j DROP');
  const refuse = step('aa', 'filter:X:rule:0x13:DROP', '-A X -p tcp -j REJECT --reject-with tcp-reset');
  expect(verdicts([packet('aa', 7), drop])).toEqual([['DROP']]);
  expect(verdicts([packet('aa', 7), refuse])).toEqual([['REJECT']]);
});

it('reads the handle as hex, the jump target, and the text from -A on', () => {
  const [trace] = decode([packet('aa', 7), step('aa', 'filter:FORWARD:rule:0x1f:JUMP:POL', '-A FORWARD -j POL')]);
  expect(trace).toMatchObject({ hits: [{ handle: 31, verdict: 'JUMP', jumpTo: 'POL', text: '-A FORWARD -j POL' }] });
});

it('works the protocol out', () => {
  const protocolOf = (lines: readonly string[]): string[] =>
    decode(lines).flatMap((trace) => (trace.kind === 'trace' ? trace.tuple.protocol : []));
  const end = step('aa', 'filter:FORWARD:policy:DROP');
  expect(protocolOf([packet('aa', 7), end])).toEqual(['TCP']);
  expect(protocolOf([packet('aa', 7, 'SPORT=1 DPORT=2'), end])).toEqual(['UDP']);
  expect(protocolOf([packet('aa', 7, ''), end])).toEqual(['ICMP']);
  expect(protocolOf([packet('aa', 7, ''), step('aa', 'filter:X:rule:0x1:DROP', '-A X -p sctp -j DROP')])).toEqual([
    'SCTP',
  ]);
  expect(protocolOf([packet('aa', 7, ''), step('aa', 'filter:X:rule:0x1:DROP', '-A X ! -p sctp -j DROP')])).toEqual([
    'ICMP',
  ]);
});

it.each([
  ['a TRACE line without its PACKET line', [step('aa', 'filter:FORWARD:policy:DROP')], 'MISSING_FIELD', 1],
  [
    'a TRACE line of another id',
    [packet('aa', 7), step('aa', 'filter:FORWARD:policy:DROP'), step('bb', 'filter:FORWARD:policy:DROP')],
    'MISSING_FIELD',
    3,
  ],
  ['a PACKET line at the end', [packet('aa', 7)], 'TRUNCATED', 1],
  ['a verdict without a chain', [packet('aa', 7), step('aa', 'filter')], 'UNKNOWN_SYNTAX', 2],
])('refuses %s', (_, lines, reason, line) => {
  expect(decode(lines)).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'reject', reason, line })]));
});

it('wants a time in front', () => {
  const bare = [packet('aa', 7), step('aa', 'filter:FORWARD:policy:DROP')].map((line) => line.slice(18));
  expect(decode(bare)).toMatchObject([{ kind: 'reject', reason: 'NO_TIME' }]);
});
