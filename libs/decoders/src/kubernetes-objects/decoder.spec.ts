import type { StreamContext } from '../decoder.js';
import { decodeStream } from '../registry.js';

const CONTEXT: StreamContext = { observedFrom: 5, observedTo: undefined, firstLine: 1, attributes: {} };

function decode(payload: string, context: Partial<StreamContext> = {}) {
  return [...decodeStream('kubernetes-objects', payload, { ...CONTEXT, ...context })];
}

it.each([
  ['a document without kind', 'apiVersion: v1\nmetadata: {name: x}\n', 'NOT_KUBERNETES', 1],
  ['a document without name', 'a: 1\n', 'NOT_KUBERNETES', 1],
  ['a scalar', 'just words\n', 'NOT_KUBERNETES', 1],
  [
    'an item without kind in a plain List',
    'apiVersion: v1\nkind: List\nitems:\n- metadata: {name: x}\n',
    'NOT_KUBERNETES',
    4,
  ],
  ['no YAML', 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: "x\n', 'NOT_YAML', 5],
  ['broken JSON', '{"apiVersion": "v1",\n "kind": }}', 'NOT_YAML', 2],
  ['a directive and nothing else', '%bad\n', 'NOT_YAML', 1],
  [
    'aliases that multiply',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((key, i) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[i]}`).join()}]`)
      .join('\n')}\n`,
    'NOT_YAML',
    1,
  ],
])('refuses %s', (_, payload, reason, line) => {
  expect(decode(payload)).toMatchObject([{ kind: 'reject', reason, line }]);
});

it('survives nesting beyond the stack', () => {
  expect(decode('['.repeat(200_000))).toMatchObject([{ kind: 'reject', reason: 'NOT_YAML' }]);
  expect(decode('{"kind":"List","apiVersion":"v1","items":['.repeat(50_000) + ']}'.repeat(50_000))).toMatchObject([
    { reason: 'NOT_YAML' },
  ]);
  expect(decode('- '.repeat(50_000))).toMatchObject([{ reason: 'NOT_YAML' }]);
});

it('gives the items of a typed list their kind', () => {
  const list = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicyList',
    items: [{ metadata: { name: 'p', namespace: 'n' } }],
  };
  expect(decode(JSON.stringify(list))).toMatchObject([
    {
      type: 'STATE',
      at: 5,
      object: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p' } },
    },
  ]);
});

it('reads an empty list, an empty file and empty documents as nothing', () => {
  expect(decode('apiVersion: v1\nkind: List\nitems: []\n---\n# nothing\n---\n')).toEqual([]);
  expect(decode('')).toEqual([]);
});

it('takes an object whose kind ends in List and that has a name for an object', () => {
  expect(decode('apiVersion: example.org/v1\nkind: AllowList\nmetadata: {name: x}\n')).toMatchObject([
    { object: { kind: 'AllowList' } },
  ]);
});

it('lets the last of two equal keys win and merges anchors, as kubectl does', () => {
  const yaml = 'apiVersion: v1\nkind: Pod\nx: &x {a: 1}\nmetadata:\n  name: first\n  name: second\nspec:\n  <<: *x\n';
  expect(decode(yaml)).toMatchObject([{ object: { metadata: { name: 'second' }, spec: { a: 1 } } }]);
});

it('counts lines from where the payload begins', () => {
  expect(decode('\n\na: 1\n', { firstLine: 100 })).toMatchObject([{ line: 102 }]);
});

it('reads one JSON object per line', () => {
  const pod = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name } });
  expect(decode(`${pod('a')}\n\n${pod('b')}\n{"cut\n`)).toMatchObject([
    { line: 1, object: { metadata: { name: 'a' } } },
    { line: 3, object: { metadata: { name: 'b' } } },
    { line: 4, reason: 'NOT_YAML' },
  ]);
});
