/** One step of a JSON Patch (RFC 6902), with what was there before, for people. */
export interface PatchStep {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function ofFields(before: Fields, after: Fields, path: string): readonly PatchStep[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return keys.flatMap((key): readonly PatchStep[] => {
    const at = `${path}/${escaped(key)}`;
    if (!Object.hasOwn(after, key)) return [{ op: 'remove', path: at, before: before[key], after: undefined }];
    if (!Object.hasOwn(before, key)) return [{ op: 'add', path: at, before: undefined, after: after[key] }];
    return patchBetween(before[key], after[key], at);
  });
}

/** Elements both have at an end are left alone, so that one that comes or goes is one step. */
function ofLists(before: readonly unknown[], after: readonly unknown[], path: string): readonly PatchStep[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && same(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && same(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const old = before.slice(head, before.length - tail);
  const young = after.slice(head, after.length - tail);
  const both = Math.min(old.length, young.length);
  const changed = old.slice(0, both).flatMap((each, i) => patchBetween(each, young[i], `${path}/${head + i}`));
  const gone = old.slice(both).map((each): PatchStep => {
    return { op: 'remove', path: `${path}/${head + both}`, before: each, after: undefined };
  });
  const come = young.slice(both).map((each, i): PatchStep => {
    return { op: 'add', path: `${path}/${head + both + i}`, before: undefined, after: each };
  });
  return [...changed, ...gone, ...come];
}

/** Steps that turn one JSON value into another when they are taken in their order. */
export function patchBetween(before: unknown, after: unknown, path = ''): readonly PatchStep[] {
  if (same(before, after)) return [];
  if (isFields(before) && isFields(after)) return ofFields(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return ofLists(before, after, path);
  return [{ op: 'replace', path, before, after }];
}

const NOISE = [
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'creationTimestamp',
  'selfLink',
  'ownerReferences',
];
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What its author wrote of an object: without what the cluster adds to it. */
export function writtenPart(object: object): Fields {
  const { status: _status, metadata, ...rest } = object as Fields;
  const kept = Object.entries(isFields(metadata) ? metadata : {}).filter(([key, value]) => {
    return !NOISE.includes(key) && value !== undefined && !(isFields(value) && Object.keys(value).length === 0);
  });
  const plain = kept.map(([key, value]) => [key, key === 'annotations' && isFields(value) ? without(value) : value]);
  return { ...rest, metadata: Object.fromEntries(plain) };
}

function without(annotations: Fields): Fields {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED));
}
