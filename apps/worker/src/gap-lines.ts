import { gapSchema } from '@whydrop/contracts';
import type { Reject } from '@whydrop/model';
import type { ToldGap } from '@whydrop/storage';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The gap records of a payload, one per line; what is none becomes a reject. */
export function readGaps(
  payload: string,
  firstLine: number,
): { readonly gaps: readonly ToldGap[]; readonly rejects: readonly Reject[] } {
  const gaps: ToldGap[] = [];
  const rejects: Reject[] = [];
  for (const [index, text] of payload.split('\n').entries()) {
    if (text.trim() === '') continue;
    const line = firstLine + index;
    const result = gapSchema.safeParse(parsed(text));
    const issue = result.error?.issues[0];
    const detail = `not a gap record: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`;
    if (result.success) gaps.push({ gap: result.data, line, raw: text.slice(0, 4096) });
    else rejects.push({ kind: 'reject', line, reason: 'BAD_VALUE', detail, raw: text.slice(0, 4096) });
  }
  return { gaps, rejects };
}
