import type { Instant } from '@whydrop/model';
import type { Judgement } from './judge.js';
import { type AlertRule, MINUTE } from './rule.js';

/** What is remembered of one series of a rule between two buckets. Plain JSON: it is stored, and a restart goes on from it. */
export interface SeriesState {
  readonly phase: 'inactive' | 'pending' | 'firing';
  /** When the condition began to hold; null while inactive. */
  readonly since: Instant | null;
  readonly alertId: string | null;
  /** End of the last bucket in which it held. */
  readonly lastHot: Instant | null;
  /** Odd and hot minutes that still matter: for k of n, and because nothing is learnt from them. */
  readonly odd: readonly Instant[];
  /** Firing again before this stays pending. */
  readonly coolUntil: Instant | null;
  /** A level (events per minute) that was accepted as normal, until then. */
  readonly level: { readonly value: number; readonly until: Instant } | null;
  /** Nodes that reported it: while one of them is silent, nothing is resolved. */
  readonly nodes: readonly string[];
}

export const INITIAL: SeriesState = {
  phase: 'inactive',
  since: null,
  alertId: null,
  lastHot: null,
  odd: [],
  coolUntil: null,
  level: null,
  nodes: [],
};

/** One bucket as the state machine sees it. */
export interface Reading {
  readonly bucket: Instant;
  /** False for a minute that is still open: it can start an alert and end none, because its count can only rise. */
  readonly closed: boolean;
  readonly judgement: Judgement;
  readonly nodes: readonly string[];
  /** Mean count per minute of the last hour: the new level, should it stay. */
  readonly level: number;
}

export type Transition = 'none' | 'pending' | 'fired' | 'dropped' | 'resolved' | 'levelShift';

export interface Step {
  readonly state: SeriesState;
  readonly transition: Transition;
}

/** Odd minutes matter to a baseline for as long as it looks back. */
const REMEMBER = 180 * MINUTE;
const LEVEL_FOR = 1440 * MINUTE;

/** Nothing worth remembering: such a state needs no row. */
export function isForgettable(state: SeriesState, at: Instant): boolean {
  const past = (until: Instant | null | undefined) => until == null || until <= at;
  return state.phase === 'inactive' && state.odd.length === 0 && past(state.coolUntil) && past(state.level?.until);
}

function remembered(state: SeriesState, { bucket, judgement }: Reading): readonly Instant[] {
  const kept = state.odd.filter((at) => at > bucket - REMEMBER && at !== bucket);
  const odd = judgement.heat === 'odd' || judgement.heat === 'hot';
  return odd && !judgement.slow ? [...kept, bucket].toSorted((a, b) => a - b) : kept;
}

function holds(rule: AlertRule, odd: readonly Instant[], { bucket, judgement }: Reading): boolean {
  if (judgement.heat === 'hot') return true;
  if (judgement.heat !== 'odd' || rule.kind !== 'SPIKE') return false;
  return odd.filter((at) => at > bucket - rule.of * MINUTE && at <= bucket).length >= rule.odd;
}

/** Begins, or waits to begin. The alert starts when the condition began to hold, not when it was believed. */
function begin(rule: AlertRule, state: SeriesState, { bucket, closed, nodes }: Reading, id: string): Step {
  const end = bucket + MINUTE;
  const since = state.since ?? bucket;
  const waited = rule.for === 0 || (closed && end - since >= rule.for);
  const cooled = state.coolUntil === null || end >= state.coolUntil;
  const alertId = state.alertId ?? id;
  const held = { ...state, since, alertId, lastHot: end, nodes: [...new Set([...state.nodes, ...nodes])].toSorted() };
  if (waited && cooled) return { state: { ...held, phase: 'firing', coolUntil: null }, transition: 'fired' };
  return { state: { ...held, phase: 'pending' }, transition: state.phase === 'pending' ? 'none' : 'pending' };
}

function ended(rule: AlertRule, state: SeriesState, end: Instant, transition: Transition): Step {
  const calm = { ...state, phase: 'inactive', since: null, alertId: null, lastHot: null, nodes: [] } as const;
  return { state: { ...calm, coolUntil: rule.coolDown > 0 ? end + rule.coolDown : null }, transition };
}

function settles(rule: AlertRule, state: SeriesState, end: Instant): boolean {
  if (rule.kind !== 'SPIKE' || rule.levelShiftAfter === 0 || state.since === null) return false;
  return end - state.since >= rule.levelShiftAfter;
}

function keep(rule: AlertRule, state: SeriesState, reading: Reading, hot: boolean): Step {
  const { bucket, closed, judgement, level, nodes } = reading;
  const end = bucket + MINUTE;
  if (closed && judgement.heat !== 'cool' && settles(rule, state, end)) {
    const shifted = { ...state, odd: [], level: { value: level, until: end + LEVEL_FOR } };
    return ended(rule, shifted, end, 'levelShift');
  }
  if (hot || judgement.heat === 'warm' || judgement.heat === 'odd') {
    const all = hot ? [...new Set([...state.nodes, ...nodes])].toSorted() : state.nodes;
    return { state: { ...state, lastHot: Math.max(state.lastHot ?? end, end), nodes: all }, transition: 'none' };
  }
  const quiet = end - (state.lastHot ?? end);
  if (!closed || judgement.heat !== 'cool' || quiet < rule.keepFiringFor) return { state, transition: 'none' };
  return ended(rule, state, end, 'resolved');
}

/** The time in which nothing was heard is not part of the time in which it was quiet. */
function unheard(state: SeriesState, { bucket, closed }: Reading): SeriesState {
  if (state.phase !== 'firing' || !closed || state.lastHot === null) return state;
  return { ...state, lastHot: Math.max(state.lastHot, bucket + MINUTE) };
}

/**
 * One bucket further. A pure function of what was remembered and what the bucket says, so that a worker that dies between two
 * buckets loses nothing. An open minute only ever leads upwards; what is not covered leads nowhere.
 * @param id the alert's id, should one begin
 */
export function step(rule: AlertRule, before: SeriesState, reading: Reading, id: string): Step {
  const { judgement, closed, bucket } = reading;
  if (judgement.heat === 'unknown') return { state: unheard(before, reading), transition: 'none' };
  const odd = remembered(before, reading);
  const hot = holds(rule, odd, reading);
  if (!closed && !hot) return { state: before, transition: 'none' };
  const level = before.level !== null && before.level.until <= bucket ? null : before.level;
  const state = { ...before, odd, level };
  if (state.phase === 'firing') return keep(rule, state, reading, hot);
  if (hot) return begin(rule, state, reading, id);
  // A minute from before it began says nothing about it.
  if (state.phase === 'pending' && judgement.heat === 'cool' && bucket >= (state.since ?? bucket))
    return {
      state: { ...ended(rule, state, bucket, 'dropped').state, coolUntil: state.coolUntil },
      transition: 'dropped',
    };
  return { state, transition: 'none' };
}
