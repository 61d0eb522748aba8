import type { WalkState, World } from './state.js';

/**
 * One question a rule asks about a packet. `test` answers as far as the facts go; undefined: they do not decide.
 */
export interface Criterion {
  /** The question in iptables' words; of a fact also its identity. */
  readonly text: string;
  /** It has one answer for one packet wherever it is asked, so an assumption made once holds for the rest of a branch. */
  readonly isFact: boolean;
  /** What would decide it. */
  readonly missing: string;
  readonly test: (state: WalkState, world: World) => boolean | undefined;
  /** Narrows the facts to those under which the criterion holds, or does not. */
  readonly assume?: (state: WalkState, holds: boolean, world: World) => WalkState;
}

/** The opposite question. */
export function negated(criterion: Criterion): Criterion {
  const { text, isFact, missing, test, assume } = criterion;
  return {
    text: flipped(text),
    isFact,
    missing,
    test: (state, world) => {
      const answer = test(state, world);
      return answer === undefined ? undefined : !answer;
    },
    ...(assume ? { assume: (state, holds, world) => assume(state, !holds, world) } : {}),
  };
}

function flipped(text: string): string {
  return text.startsWith('! ') ? text.slice(2) : `! ${text}`;
}

/** A criterion that every packet meets. */
export const ALWAYS: Criterion = { text: 'always', isFact: true, missing: '', test: () => true };

/** What was assumed before on this branch, directly or as its opposite. */
function remembered(state: WalkState, text: string): boolean | undefined {
  const same = state.assumed.get(text);
  if (same !== undefined) return same;
  const opposite = state.assumed.get(flipped(text));
  return opposite === undefined ? undefined : !opposite;
}

/** Answer of a criterion on this branch: from the facts, else from what was assumed before. */
export function answer(criterion: Criterion, state: WalkState, world: World): boolean | undefined {
  const fact = criterion.test(state, world);
  return fact === undefined && criterion.isFact ? remembered(state, criterion.text) : fact;
}

/** The branch on which the criterion holds, or does not. */
export function assumeCriterion(criterion: Criterion, state: WalkState, holds: boolean, world: World): WalkState {
  const narrowed = criterion.assume?.(state, holds, world) ?? state;
  const missing = narrowed.missing.includes(criterion.missing)
    ? narrowed.missing
    : [...narrowed.missing, criterion.missing];
  const assuming = [...narrowed.assuming, holds ? criterion.text : flipped(criterion.text)];
  if (!criterion.isFact) return { ...narrowed, missing, assuming };
  return { ...narrowed, missing, assuming, assumed: new Map(narrowed.assumed).set(criterion.text, holds) };
}
