import { formatInstant, type Instant, type Reject } from '@whydrop/model';

interface Timed {
  readonly observedAt?: Instant | undefined;
}

/** Takes records of before `keptFrom` out of the lists, and says so in one reject; undefined when there were none. */
export function refuseOld(lists: readonly Timed[][], keptFrom: Instant): Reject | undefined {
  let refused = 0;
  let [first, last] = [Infinity, -Infinity];
  for (const list of lists) {
    let kept = 0;
    for (const item of list) {
      const { observedAt = keptFrom } = item;
      if (observedAt >= keptFrom) list[kept++] = item;
      else [first, last] = [Math.min(first, observedAt), Math.max(last, observedAt)];
    }
    refused += list.length - kept;
    list.length = kept;
  }
  if (refused === 0) return undefined;
  const span = `${formatInstant(first)} to ${formatInstant(last)}`;
  const detail = `${refused} record${refused === 1 ? '' : 's'} from ${span}: what is older than ${formatInstant(keptFrom)} is not kept any more`;
  return { kind: 'reject', line: 1, reason: 'TOO_OLD', detail, raw: '' };
}
