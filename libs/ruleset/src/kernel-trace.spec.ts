import { readFileSync } from 'node:fs';
import { decodeStream } from '@whydrop/decoders';
import type { PacketObservation } from '@whydrop/model';
import { kernelTraces } from './kernel-trace.js';
import { snapshotOf } from './ruleset-fixture.js';

function capture(name: string): string {
  return readFileSync(new URL(`../testdata/${name}.txt`, import.meta.url), 'utf8');
}

function packets(text: string): readonly PacketObservation[] {
  const stamped = text
    .trim()
    .split('\n')
    .map((line, i) => `1795214400.${String(i).padStart(6, '0')} ${line}`)
    .join('\n');
  const context = { observedFrom: undefined, observedTo: undefined, firstLine: 1, attributes: {} };
  return [...decodeStream('kernel-log', stamped, context)].filter((item) => item.kind === 'packet');
}

const snapshot = snapshotOf(capture('iptables-legacy-save-c'));

function ways(text: string): readonly (readonly string[])[] {
  return kernelTraces(packets(text), snapshot).map(({ hits }) =>
    hits.map(({ table, chain, position, verdict, jumpTo, text: rule }) =>
      [`${table} ${chain}${position === undefined ? '' : `:${position}`}`, verdict, jumpTo ?? '', rule ?? '']
        .join(' ')
        .trim(),
    ),
  );
}

const WAY = [
  'raw PREROUTING POLICY_ACCEPT',
  'filter FORWARD:1 JUMP LEG -A FORWARD -j LEG',
  'filter LEG:1 RETURN  -A LEG -p tcp -j RETURN',
  'filter FORWARD:2 JUMP LEG2 -A FORWARD -j LEG2',
  'filter LEG2:1 RETURN',
  'filter FORWARD:3 DROP  -A FORWARD -p tcp -m tcp --dport 8444 -m comment --comment "legacy drop" -j DROP',
];

it('lines of the TRACE target become the way of one packet, with the rules of that time', () => {
  expect(ways(capture('kernel-log-trace-legacy'))).toEqual([WAY]);
});

it('a retry of the same SYN is another packet; other lines are passed over', () => {
  const text = capture('kernel-log-trace-legacy').trimEnd();
  const other = text.split('\n')[1]?.replace(/TRACE: \S+ /, 'INGRESS-DROP: ') ?? '';
  expect(ways(`${text}\n${other}\n${text}`)).toEqual([WAY, WAY]);
});

it('lines of two packets may be mixed', () => {
  const one = capture('kernel-log-trace-legacy').trimEnd().split('\n');
  const two = one.map((line) => line.replace('SPT=41130', 'SPT=41131').replace(/SEQ=\d+/, 'SEQ=77'));
  const mixed = one.flatMap((line, i) => [line, two[i] ?? '']);
  expect(ways(mixed.join('\n'))).toEqual([WAY, WAY]);
});
