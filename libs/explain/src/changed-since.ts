import type { Change, Instant, KubernetesObject, ObjectVersion } from '@whydrop/model';
import { changeOf, isAlike, labelDifference } from './change-text.js';

function addressesOf(pod: KubernetesObject): unknown {
  const status = pod['status'];
  return typeof status === 'object' && status !== null ? Reflect.get(status, 'podIP') : undefined;
}

/** How a version differs from the one that was cited, in what an answer rests on. */
function difference(cited: KubernetesObject, { object, validFrom: at }: ObjectVersion): Change | undefined {
  if (cited.metadata.uid !== object.metadata.uid) return changeOf('replaced', object, at);
  const labels = labelDifference(cited, object);
  if (cited.kind !== 'Pod') return isAlike(cited['spec'], object['spec']) ? undefined : changeOf('edited', object, at);
  if (labels !== '') return changeOf('relabelled', object, at, { detail: `: ${labels}` });
  return addressesOf(cited) === addressesOf(object) ? undefined : changeOf('readdressed', object, at);
}

/**
 * What became of an object that an answer cites since the answer's time: gone, or another than it was then. Undefined when
 * it is as it was, also when it changed and was changed back. `versions` are all of its versions in force at `then` or
 * later, in order of time.
 */
export function changedSince(versions: readonly ObjectVersion[], then: Instant): Change | undefined {
  const cited = versions.find(({ validFrom, validTo }) => validFrom <= then && (validTo ?? Infinity) > then);
  const last = versions.at(-1);
  if (!cited || !last) return undefined;
  if (last.validTo !== undefined) return changeOf('deleted', last.object, last.validTo);
  if (!difference(cited.object, last)) return undefined;
  const later = versions.filter(({ validFrom }) => validFrom > then);
  const differing = later.find((version) => difference(cited.object, version)) ?? last;
  // The time is that of the first change, the words are those of what it is now.
  return { ...(difference(cited.object, last) as Change), at: differing.validFrom };
}
