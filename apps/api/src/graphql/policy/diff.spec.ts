import fc from 'fast-check';
import { patchBetween, writtenPart, type PatchStep } from './diff.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Takes the steps of a patch, as RFC 6902 says. */
function patched(value: Json, steps: readonly PatchStep[]): Json {
  return steps.reduce<Json>((document, { op, path, after }) => {
    if (path === '') return after as Json;
    const root = structuredClone(document);
    const keys = path
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop() ?? '';
    const parent = keys.reduce<Json>((at, key) => (at as Record<string, Json>)[key] as Json, root);
    if (Array.isArray(parent))
      parent.splice(Number(last), op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [after as Json]));
    else if (op === 'remove') Reflect.deleteProperty(parent as object, last);
    else Object.defineProperty(parent, last, { value: after, configurable: true, enumerable: true, writable: true });
    return root;
  }, value);
}

const sorted = (value: Json): Json =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? (Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([k, v]) => [k, sorted(v)]),
        ) as Json)
      : value;

it('the patch between any two documents, taken, gives the second', () => {
  const key = fc.constantFrom('a', 'b', 'c/d', 'e~f');
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<Json>(null, true, 1, 'x', 'y'),
      fc.array(tie('json'), { maxLength: 4 }),
      fc.dictionary(key, tie('json'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(json, json, (before, after) => {
      expect(sorted(patched(before, patchBetween(before, after)))).toEqual(sorted(after));
    }),
  );
});

it('a peer that is put in front of others is one step', () => {
  const before = { spec: { ingress: [{ from: ['b', 'c'] }] } };
  const after = { spec: { ingress: [{ from: ['a', 'b', 'c'] }] } };
  expect(patchBetween(before, after)).toEqual([
    { op: 'add', path: '/spec/ingress/0/from/0', before: undefined, after: 'a' },
  ]);
});

it('what the cluster adds to an object is not what its author wrote', () => {
  const object = {
    kind: 'NetworkPolicy',
    status: {},
    metadata: {
      name: 'p',
      uid: 'u',
      resourceVersion: '7',
      labels: {},
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', team: 'shop' },
    },
  };
  expect(writtenPart(object)).toEqual({
    kind: 'NetworkPolicy',
    metadata: { name: 'p', annotations: { team: 'shop' } },
  });
});
