import fc from 'fast-check';
import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: 5, observedTo: undefined, firstLine: 1, attributes: {} };
const decode = (text: string) => [...decodeStream('prometheus-text', text, CONTEXT)];

it('reads what it would write: any labels, any number', () => {
  const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const name = fc.stringMatching(/^[a-z_]{1,8}$/);
  const value = fc.string().filter((text) => !text.includes('\r'));
  fc.assert(
    fc.property(
      name,
      fc.dictionary(name, value),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      (metric, labels, number) => {
        const written = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`);
        const [sample] = decode(`${metric}{${written.join(',')}} ${number}\n`);
        expect(sample).toMatchObject({ kind: 'metric', name: metric, value: number + 0 });
        expect(sample?.kind === 'metric' && { ...sample.labels }).toEqual({ ...labels });
      },
    ),
  );
});

it.each([
  ['a{b="c"} +Inf', { value: Infinity }],
  ['a -Inf', { value: -Infinity }],
  ['a 1.5e3 1795214415000', { value: 1500, observedAt: 1_795_214_415_000_000 }],
  ['a 1 1795214415.25', { observedAt: 1_795_214_415_250_000 }],
  ['a_total{b="c",} 4 # {trace="x"} 1', { name: 'a_total', value: 4, labels: { b: 'c' } }],
])('reads %s', (line, wanted) => {
  expect(decode(line)).toMatchObject([wanted]);
});

it('gives a series the type of its family', () => {
  const types = decode(
    '# TYPE a histogram\na_bucket{le="1"} 1\n# TYPE b_total counter\nb_total 2\n# TYPE c counter\nc_total 3\nd 4\n',
  );
  expect(types.map((sample) => sample.kind === 'metric' && sample.type)).toEqual([
    'histogram',
    'counter',
    'counter',
    'untyped',
  ]);
});

it.each([
  ['a{b="c} 1', 'TRUNCATED'],
  ['a{b="c"', 'TRUNCATED'],
  ['a', 'BAD_VALUE'],
  ['a one', 'BAD_VALUE'],
  ['9a 1', 'UNKNOWN_SYNTAX'],
])('refuses %s', (line, reason) => {
  expect(decode(line)).toMatchObject([{ kind: 'reject', reason }]);
});
