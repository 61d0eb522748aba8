import type { ChainRule } from '@whydrop/model';
import type { StepList, WalkStep } from './state.js';

/** One way the walk can end. `accept`: every chain of the path let the packet pass. */
export interface WalkOutcome {
  readonly verdict: 'accept' | 'drop' | 'reject' | 'queue' | 'unknown';
  /** Where it was decided; for `accept` where the filter table decided, when it was asked. */
  readonly table: string;
  readonly chain: string;
  /** 1-based; 0 for a chain policy. */
  readonly position: number;
  readonly text: string;
  readonly rule: ChainRule | undefined;
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly path: readonly WalkStep[];
  /** What was taken to hold on this way because no fact decides it; empty when every way ends here. */
  readonly assuming: readonly string[];
  /** Packet mark at the end; undefined when some of its bits are not known. */
  readonly mark: number | undefined;
  /** Whether the destination was translated on the way, as far as it is known. */
  readonly isDnat: boolean | undefined;
}

export interface WalkResult {
  /** Every possible end, each rule once; exactly one when the walk is certain. */
  readonly outcomes: readonly WalkOutcome[];
  readonly certain: boolean;
  /** The steps that all outcomes share, in order; the whole way when the walk is certain. */
  readonly path: readonly WalkStep[];
  /** Facts that would decide. */
  readonly missing: readonly string[];
  readonly finalMark: number | undefined;
}

/** The steps in the order in which they were made. */
export function stepsOf(list: StepList | undefined): readonly WalkStep[] {
  const steps: WalkStep[] = [];
  for (let each = list; each; each = each.before) steps.push(each.step);
  return steps.toReversed();
}

function sameStep(a: WalkStep, b: WalkStep | undefined): boolean {
  return a.table === b?.table && a.chain === b.chain && a.position === b.position && a.matched === b.matched;
}

/** What all ways have in common from their beginning on. */
export function sharedPath(paths: readonly (readonly WalkStep[])[]): readonly WalkStep[] {
  const [first = [], ...rest] = paths;
  let length = first.length;
  for (const path of rest) {
    const differs = first.findIndex((step, i) => !sameStep(step, path[i]));
    if (differs >= 0) length = Math.min(length, differs);
  }
  return first.slice(0, length);
}
