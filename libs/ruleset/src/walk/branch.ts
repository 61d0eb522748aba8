import type { Chain, ChainRule } from '@whydrop/model';
import type { Criterion } from './criterion.js';
import type { Stop } from './path.js';
import type { WalkState, WalkStep } from './state.js';

/** A chain being run: the next rule in it is `at`. */
export interface Frame {
  readonly chain: Chain;
  readonly at: number;
}

/** One branch of the walk. */
export interface Branch {
  readonly state: WalkState;
  readonly path: readonly Stop[];
  /** Index of the base chain on the path. */
  readonly stop: number;
  /** Routing has not been asked yet: the path goes on by what the destination then is. */
  readonly isOpenEnded: boolean;
  readonly frames: readonly Frame[];
  /** Criteria of the next rule that this branch takes to hold although they may answer differently each time. */
  readonly granted: ReadonlySet<Criterion>;
  /** Where the filter table let the packet pass. */
  readonly passed: Omit<WalkStep, 'matched'> | undefined;
  readonly isPassedByFilter: boolean;
}

/** Nothing is granted at the next rule. */
export const NOTHING: ReadonlySet<Criterion> = new Set();

/** Where a rule stands; without a rule the chain's policy, at position 0. */
export function place(table: string, chain: string, rule: ChainRule | undefined): Omit<WalkStep, 'matched'> {
  return { table, chain, position: rule?.position ?? 0, text: rule?.text ?? '', rule };
}

/** The state with a rule added to its way. */
export function visited(state: WalkState, chain: Chain, rule: ChainRule, matched: WalkStep['matched']): WalkState {
  const step: WalkStep = { ...place(state.table, chain.name, rule), matched };
  return { ...state, steps: { step, before: state.steps } };
}

/** On to the next rule of the frame's chain. */
export function advance(branch: Branch, frame: Frame): Branch {
  const frames = [...branch.frames.slice(0, -1), { ...frame, at: frame.at + 1 }];
  return { ...branch, frames, granted: NOTHING };
}

/** End of a chain, or RETURN: back to the caller, or to the policy of the base chain. */
export function returned(branch: Branch): Branch {
  return { ...branch, frames: branch.frames.slice(0, -1), granted: NOTHING };
}
