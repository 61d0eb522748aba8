import type { Io } from '../io.js';
import type { WhydropClient } from '../server/client.js';

/** Packets that were counted as dropped and that no drop with addresses accounts for. */
export interface CountedAnswer {
  readonly node: string | null;
  readonly channel: string;
  readonly cause: string;
  readonly unattributed: string;
  readonly sentence: string;
  readonly chainRule: { readonly node: string; readonly text: string } | null;
}

const COUNTED = `query ($timeRange: TimeRangeInput!, $cluster: String) {
  countedDrops(timeRange: $timeRange, cluster: $cluster, first: 200) {
    node channel cause unattributed sentence chainRule { node text }
  }
}`;

/** What was counted only, over a time, oldest first. */
export async function fetchCounted(
  client: WhydropClient,
  timeRange: {
    readonly from?: string | undefined;
    readonly to?: string | undefined;
    readonly last?: string | undefined;
  },
  cluster: string | undefined,
): Promise<readonly CountedAnswer[]> {
  const answer = await client.query<{ countedDrops: readonly CountedAnswer[] }>(COUNTED, { timeRange, cluster });
  return answer.countedDrops;
}

/** One line each, behind the drops: what is known without addresses. */
export function printCounted(counted: readonly CountedAnswer[], io: Io): void {
  for (const { cause, sentence, chainRule } of counted) {
    const rule = chainRule ? `    ${chainRule.node}: ${chainRule.text}\n` : '';
    io.stdout(`counted only  ${cause}\n    ${sentence}\n${rule}\n`);
  }
}
