import type { Discovery } from './discover.js';
import { CALICO_API, CALICO_CRDS, CORE_KINDS, nameOf, type ServedKind, twinOf } from './kinds.js';

/** A kind as objects name it. */
export interface ObjectKind {
  readonly group: string;
  readonly kind: string;
}

export interface Standing {
  /** Names of kinds that we may not list. */
  readonly forbidden: ReadonlySet<string>;
  /** Whether objects of a kind were told, or are being watched. */
  readonly known: (kind: ObjectKind) => boolean;
}

const same = (a: ObjectKind) => (b: ObjectKind) => a.group === b.group && a.kind === b.kind;

/**
 * The kinds to watch. Calico's objects are read once: through its API server where that runs and lets us, else as custom
 * resources. While that server is registered and does not answer, what was told through it stands.
 */
export function wantedKinds({ served, silent }: Discovery, { forbidden, known }: Standing): readonly ServedKind[] {
  const isServed = (kind: ObjectKind) => served.some(same(kind));
  return served.filter((kind) => {
    const twin = { group: twinOf(kind.group) ?? '', kind: kind.kind };
    if (kind.group === CALICO_API) return !(forbidden.has(nameOf(kind)) && isServed(twin));
    if (kind.group !== CALICO_CRDS) return true;
    if (silent.has(CALICO_API)) return !known(twin);
    const through = served.find(same(twin));
    return through === undefined || forbidden.has(nameOf(through));
  });
}

/**
 * Kinds of which objects stand as told and nobody serves any more: they are gone. Nothing is said of a group that did not
 * answer, of a kind that every cluster has, and of one whose twin is to be watched: it ends when the twin is listed.
 */
export function goneKinds(
  standing: readonly ObjectKind[],
  wanted: readonly ServedKind[],
  { silent }: Discovery,
): readonly ObjectKind[] {
  return standing.filter((each) => {
    if (silent.has(each.group) || CORE_KINDS.some(same(each)) || wanted.some(same(each))) return false;
    const group = twinOf(each.group);
    return group === undefined || !wanted.some(same({ group, kind: each.kind }));
  });
}
