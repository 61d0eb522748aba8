import type { KubernetesObject } from '@whydrop/model';
import { keyOf, type KnownObjects } from './known.js';
import { meaning, trimmed, writtenAt } from './trim.js';

/** A record of the watch: one line of `cluster/events.jsonl`. */
export interface ToldChange {
  /** The record's number, for the spool's cursor. */
  readonly n: number;
  readonly type: 'STATE' | 'ADDED' | 'MODIFIED' | 'DELETED';
  /** Milliseconds since 1970, by the watcher's clock, or by the API server's where the watcher was away. */
  readonly at: number;
  readonly object: KubernetesObject;
}

/** Deletions are remembered for this many objects, in case an older word of one comes late. */
const MOST_GRAVES = 10_000;

/** Whether a version is older than another. They are numbers in every cluster, though nobody promises it. */
function isOlder(version: string | undefined, than: string | undefined): boolean {
  const [a, b] = [Number(version), Number(than)];
  return Number.isSafeInteger(a) && Number.isSafeInteger(b) && a > 0 && a < b;
}

/**
 * Holds what the API says against what was told already, and gives what is new in it: repeated, late and meaningless
 * words are no change.
 */
export class Teller {
  private readonly graves = new Map<string, string>();

  constructor(
    private readonly known: KnownObjects,
    private readonly now: () => number,
  ) {}

  /** One event of a watch. */
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject): readonly ToldChange[] {
    const key = keyOf(object);
    const before = this.known.get(key);
    const version = object.metadata.resourceVersion;
    const seen = before?.metadata.resourceVersion ?? this.graves.get(key);
    if (isOlder(version, seen)) return [];
    if (type === 'DELETED') return before ? [this.deleted(key, trimmed(object), this.now())] : [];
    if (!before && version !== undefined && version === this.graves.get(key)) return [];
    return this.put(key, object, this.now());
  }

  /**
   * Everything of a kind. `first`: nothing was ever told of this kind. `missed`: since when changes may have been missed, so
   * that a change may lie anywhere between then and now, unless the object says when it was written.
   */
  list(
    group: string,
    kind: string,
    objects: readonly KubernetesObject[],
    { first, missed }: { readonly first: boolean; readonly missed: number | undefined },
  ): readonly ToldChange[] {
    const at = this.now();
    const present = new Set(objects.map(keyOf));
    const gone = this.known
      .of(group, kind)
      .filter(([key]) => !present.has(key))
      .map(([key, object]) => this.deleted(key, object, at));
    const changed = objects.flatMap((object) => {
      if (first) return this.state(object, at);
      const written = missed === undefined ? undefined : writtenAt(object);
      const since = written !== undefined && written > (missed ?? 0) && written < at ? written : at;
      return isOlder(object.metadata.resourceVersion, this.known.get(keyOf(object))?.metadata.resourceVersion)
        ? []
        : this.put(keyOf(object), object, since);
    });
    return [...gone, ...changed];
  }

  /** A kind that is not there any more, and with it all of its objects. */
  gone(group: string, kind: string): readonly ToldChange[] {
    const at = this.now();
    return this.known.of(group, kind).map(([key, object]) => this.deleted(key, object, at));
  }

  private state(object: KubernetesObject, at: number): readonly ToldChange[] {
    const kept = trimmed(object);
    return [{ n: this.known.tell(keyOf(object), kept), type: 'STATE', at, object: kept }];
  }

  private deleted(key: string, object: KubernetesObject, at: number): ToldChange {
    this.graves.delete(key);
    this.graves.set(key, object.metadata.resourceVersion ?? '');
    const [oldest] = this.graves.keys();
    if (this.graves.size > MOST_GRAVES && oldest !== undefined) this.graves.delete(oldest);
    return { n: this.known.tell(key, undefined), type: 'DELETED', at, object };
  }

  private put(key: string, whole: KubernetesObject, at: number): readonly ToldChange[] {
    const object = trimmed(whole);
    const before = this.known.get(key);
    // The same name once more is another object: its life began when the first one's had ended.
    const replaced = before !== undefined && before.metadata.uid !== object.metadata.uid;
    if (before && !replaced && meaning(before) === meaning(object)) return [];
    const end = replaced ? [this.deleted(key, before, at)] : [];
    const type = before && !replaced ? 'MODIFIED' : 'ADDED';
    return [...end, { n: this.known.tell(key, object), type, at, object }];
  }
}
