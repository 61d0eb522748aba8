import type { FlowVerdictObservation } from '@whydrop/model';
import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: 9, observedTo: undefined, firstLine: 1, attributes: {} };

interface Said {
  readonly index?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly action?: string;
  readonly tcp?: string;
  readonly stats?: string;
  readonly info?: string;
}

function entry({
  index = '10<=>20',
  source = '10.0.0.1:4000',
  destination = '10.0.0.2:80',
  action = 'F',
  tcp = 'S',
  stats = '1/60',
  info = '5.0.0.0',
}: Said): string {
  return `   ${index}       ${source}      6 (2)\n          ${destination} \n(Gen: 3, K(nh):37, Action:${action}, Flags:, TCP:${tcp}, QOS:-1, S(nh):37, \n Stats:${stats},  SPort 61803, TTL 0, Sinfo ${info})\n\n`;
}

const swapped = { index: '20<=>10', source: '10.0.0.2:80', destination: '10.0.0.1:4000' };

function decode(...entries: readonly string[]) {
  return [...decodeStream('contrail-flow', entries.join(''), CONTEXT)];
}

function verdicts(...entries: readonly string[]): FlowVerdictObservation[] {
  return decode(...entries).filter((answer): answer is FlowVerdictObservation => answer.kind === 'flow-verdict');
}

it('takes the reason from the entry that has one, and the tuple from the side that sent the SYN', () => {
  const reverse = entry({ ...swapped, action: 'D(Unknown)', tcp: 'Sr', stats: '0/0' });
  const forward = entry({ action: 'D(FwPolicy)', stats: '3/222' });
  const wanted = {
    verdict: 'dropped',
    denial: 'policy',
    reason: 'FwPolicy',
    packets: 3n,
    bytes: 222n,
    ends: { source: '10.0.0.1', sourcePort: 4000, destinationPort: 80 },
  };
  expect(verdicts(reverse, forward)).toMatchObject([wanted]);
  expect(verdicts(forward, reverse)).toMatchObject([wanted]);
});

it('takes the reason from the reverse entry when the forward one does not know it', () => {
  const pair = [
    entry({ action: 'D(Unknown)' }),
    entry({ ...swapped, action: 'D(RevFwPolicy)', tcp: 'Sr', stats: '0/0' }),
  ];
  expect(verdicts(...pair)).toMatchObject([{ reason: 'RevFwPolicy', denial: 'policy', ends: { source: '10.0.0.1' } }]);
});

it.each([
  ['FwPolicy', 'policy'],
  ['OutFwPolicy', 'policy'],
  ['RevOutFwPolicy', 'policy'],
  ['SG', 'other'],
  ['Policy', 'other'],
  ['FWAASPolicy', 'other'],
  ['NoSrcRt', 'other'],
  ['42', 'other'],
  ['Unknown', undefined],
])('reason %s is a denial of kind %s', (reason, denial) => {
  expect(verdicts(entry({ action: `D(${reason})` }))).toMatchObject([{ verdict: 'dropped', reason, denial }]);
});

it('follows DNAT to the destination that policy judged', () => {
  const pair = [
    entry({ destination: '10.96.0.10:443', action: 'N(DPd)' }),
    entry({ ...swapped, source: '10.0.0.9:8443', action: 'N(SPs)', tcp: 'SSr' }),
  ];
  expect(verdicts(...pair.map((text, i) => (i === 0 ? text : text.replace('TCP:SSr', 'TCP:Sr'))))).toMatchObject([
    {
      verdict: 'allowed',
      ends: { destination: '10.0.0.9', destinationPort: 8443 },
      original: { destination: '10.96.0.10', destinationPort: 443 },
    },
  ]);
});

it('says who reported: an interface of the node, or another node', () => {
  expect(verdicts(entry({ info: '44.1.0.0' }))[0]?.reporter).toBe('source');
  expect(verdicts(entry({ info: '10.0.0.12' }))[0]?.reporter).toBe('destination');
  expect(verdicts(entry({ info: '0.0.0.0' }))[0]?.reporter).toBeUndefined();
});

it('reads the same from text without line breaks', () => {
  const text = `${entry({ action: 'D(FwPolicy)', stats: '3/222' })}${entry({ ...swapped, action: 'D(Unknown)', tcp: 'Sr', stats: '0/0' })}`;
  const plain = (verdict: FlowVerdictObservation) => ({ ...verdict, raw: '', line: 0 });
  expect(verdicts(text.replace(/\s+/g, ' ')).map(plain)).toEqual(verdicts(text).map(plain));
});

it('does not pair entries that do not name each other', () => {
  expect(verdicts(entry({}), entry({ ...swapped, index: '20<=>99' }))).toHaveLength(2);
});

it.each([
  ['an entry whose brackets are cut', entry({}).slice(0, -20), 'TRUNCATED'],
  ['an entry that ends before its brackets', entry({}).split('(Gen', 1)[0] ?? '', 'TRUNCATED'],
  ['an address that is none', entry({ destination: '10.0.0.300:80' }), 'BAD_VALUE'],
  ['an entry without action', entry({}).replace('Action:F, ', ''), 'MISSING_FIELD'],
  ['a bridged flow', entry({}).replace(/10\.0\.0\.\d:\d+/g, ''), 'UNSUPPORTED'],
])('refuses %s, and reads the rest', (_, broken, reason) => {
  const answers = decode(entry({ index: '1<=>2' }), broken);
  expect(answers).toHaveLength(2);
  expect(answers).toContainEqual(expect.objectContaining({ kind: 'reject', reason }));
  expect(answers).toContainEqual(expect.objectContaining({ kind: 'flow-verdict', line: 1 }));
});
