import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';
import { parseMapping, valueAt } from './mapping.js';

const FIELDS = { time: 't', source: 's', destination: 'd', protocol: 'p', verdict: 'v' };

it.each([
  ['a.b', { a: { b: 1 } }, 1],
  ['a.b', { 'a.b': 2, a: { b: 1 } }, 2],
  ['a.b.c', { a: { 'b.c': 3 } }, 3],
  ['a.0.b', { a: [{ b: 4 }] }, 4],
  ['a.1', { a: [0] }, undefined],
  ['a.b', { a: null }, undefined],
  ['__proto__.x', {}, undefined],
  ['constructor', {}, undefined],
])('finds %s in %j', (path, record, value) => {
  expect(valueAt(record, path)).toBe(value);
});

it.each([
  ['', 'The mapping is no JSON object.'],
  ['[]', 'The mapping is no JSON object.'],
  [JSON.stringify({ fields: { ...FIELDS, time: undefined } }), '"fields.time" is needed.'],
  [JSON.stringify({ fields: { ...FIELDS, colour: 'x' } }), '"fields.colour" is no field'],
  [JSON.stringify({ fields: { ...FIELDS, source: 7 } }), '"fields" must be an object of paths.'],
  [JSON.stringify({ fields: FIELDS, verdicts: { x: 'gone' } }), '"verdicts" must translate words'],
  [JSON.stringify({ fields: FIELDS, directions: { x: 'up' } }), '"directions" must translate words'],
])('says what is wrong with %s', (text, problem) => {
  const parsed = parseMapping(text);
  expect(typeof parsed === 'string' && parsed.startsWith(problem.slice(0, 30))).toBe(true);
});

const CONTEXT: StreamContext = {
  observedFrom: undefined,
  observedTo: undefined,
  firstLine: 3,
  attributes: { mapping: JSON.stringify({ fields: FIELDS }) },
};
const RECORD = { t: '2026-11-20T22:40:15Z', s: '10.0.0.1', d: '10.0.0.2', p: 'udp', v: 'Blocked' };

function decode(change: Record<string, unknown>) {
  return [...decodeStream('mapped-json', JSON.stringify({ ...RECORD, ...change }), CONTEXT)][0];
}

it.each([
  ['2026-11-20T22:40:15.5Z', 1_795_214_415_500_000],
  [1_795_214_415, 1_795_214_415_000_000],
  ['1795214415.25', 1_795_214_415_250_000],
  [1_795_214_415_629, 1_795_214_415_629_000],
  ['1795214415629546', 1_795_214_415_629_546],
  ['1795214415629546123', 1_795_214_415_629_546],
])('reads the time %p', (t, observedAt) => {
  expect(decode({ t })).toMatchObject({ observedAt, verdict: 'dropped' });
});

it.each([
  [{ t: 'yesterday' }, 'NO_TIME'],
  [{ s: 'web-1' }, 'BAD_VALUE'],
  [{ p: 'carrier pigeon' }, 'BAD_VALUE'],
])('refuses %j', (change, reason) => {
  expect(decode(change)).toMatchObject({ kind: 'reject', reason, line: 3 });
});

it('refuses a stream without a mapping once, not per line', () => {
  const answers = [...decodeStream('mapped-json', '{}\n{}\n', { ...CONTEXT, attributes: {} })];
  expect(answers).toMatchObject([{ kind: 'reject', reason: 'UNSUPPORTED' }]);
});
