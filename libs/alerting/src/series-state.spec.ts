import fc from 'fast-check';
import type { Heat } from './judge.js';
import { type AlertRule, MINUTE } from './rule.js';
import { parseRule } from './rule-schema.js';
import { INITIAL, isForgettable, type Reading, type SeriesState, step, type Transition } from './series-state.js';

function ruleOf(written: object): AlertRule {
  const parsed = parseRule({ name: 'R', kind: 'SPIKE', ...written });
  if (parsed.kind === 'problems') throw new Error(JSON.stringify(parsed.problems));
  return parsed.rule;
}

const LETTERS: Readonly<Record<string, Heat>> = { h: 'hot', o: 'odd', w: 'warm', '.': 'cool', '?': 'unknown' };

function reading(letter: string, minute: number): Reading {
  const closed = letter === letter.toLowerCase() && letter !== ',';
  const heat = LETTERS[letter.toLowerCase()] ?? 'cool';
  const judgement = { heat, value: 1, expected: 1, slow: false, baseline: null };
  return { bucket: minute * MINUTE, closed, judgement, nodes: ['n1'], level: 5 };
}

interface Run {
  readonly state: SeriesState;
  readonly transitions: readonly Transition[];
}

function run(rule: AlertRule, readings: readonly Reading[], start = INITIAL): Run {
  let state = start;
  const transitions = readings.map((one) => {
    const next = step(rule, state, one, `a${one.bucket / MINUTE}`);
    state = next.state;
    return next.transition;
  });
  return { state, transitions };
}

/** One letter a minute; `H`, and `,` for a cool one, are minutes that are still open. */
const story = (rule: AlertRule, letters: string) =>
  run(rule, letters.split('').map(reading))
    .transitions.flatMap((transition, minute) => (transition === 'none' ? [] : [`${minute} ${transition}`]))
    .join(', ');

it.each([
  ['fires at once', {}, 'h', '0 fired'],
  ['fires on the second odd minute of three', {}, 'o.o', '2 fired'],
  ['does not on odd minutes that lie apart', {}, 'o..o..o', ''],
  ['fires from a minute that is still open', {}, '.H', '1 fired'],
  ['is resolved after five cool minutes', {}, 'h.....', '0 fired, 5 resolved'],
  ['not before', {}, 'h....', '0 fired'],
  ['warm minutes keep it, but do not start it', {}, 'wwh..w.....', '2 fired, 10 resolved'],
  ['what is not covered resolves nothing', {}, 'h??????????.....', '0 fired, 15 resolved'],
  ['what is not covered fires nothing', { for: '2m' }, 'h?????', '0 pending'],
  ['waits as long as the rule says', { for: '3m' }, 'hhhh', '0 pending, 2 fired'],
  ['an open minute is not waited out', { for: '1m' }, 'HHHh', '0 pending, 3 fired'],
  ['comes to nothing when it goes away in time', { for: '3m' }, 'hh.', '0 pending, 2 dropped'],
  ['stays pending while it cools down', { coolDown: '3m' }, 'h.....hhhh', '0 fired, 5 resolved, 6 pending, 8 fired'],
  ['becomes usual', { levelShiftAfter: '4m' }, 'hhhh', '0 fired, 3 levelShift'],
  ['an open minute resolves nothing', {}, 'h,,,,,,,,', '0 fired'],
  ['and takes nothing back', { for: '3m' }, 'h,hh', '0 pending, 2 fired'],
])('%s', (_name, written, letters, expected) => {
  expect(story(ruleOf(written), letters)).toBe(expected);
});

it('the alert begins when the condition did', () => {
  const { state } = run(ruleOf({ for: '3m' }), '..hhh'.split('').map(reading));
  expect(state).toMatchObject({ phase: 'firing', since: 2 * MINUTE, alertId: 'a2', nodes: ['n1'] });
});

it('a level that was accepted is remembered for a day', () => {
  const { state } = run(ruleOf({ levelShiftAfter: '1m' }), 'hh'.split('').map(reading));
  expect(state.level).toEqual({ value: 5, until: (2 + 1440) * MINUTE });
  expect(isForgettable(state, 3 * MINUTE)).toBe(false);
  expect(isForgettable({ ...state, coolUntil: null }, (2 + 1440) * MINUTE)).toBe(true);
});

const LETTER = fc.constantFrom('h', 'o', 'w', '.', '?');
const RULE = fc
  .record({
    for: fc.constantFrom('0s', '2m'),
    keepFiringFor: fc.constantFrom('0s', '3m'),
    coolDown: fc.constantFrom('0s', '4m'),
    levelShiftAfter: fc.constantFrom('0s', '6m'),
  })
  .map(ruleOf);

it('a restart after any minute changes nothing', () => {
  fc.assert(
    fc.property(RULE, fc.array(LETTER, { maxLength: 60 }), fc.nat(60), (rule, letters, at) => {
      const readings = letters.map(reading);
      const whole = run(rule, readings);
      const first = run(rule, readings.slice(0, at));
      const second = run(rule, readings.slice(at), JSON.parse(JSON.stringify(first.state)) as SeriesState);
      expect(second.state).toEqual(whole.state);
      expect([...first.transitions, ...second.transitions]).toEqual(whole.transitions);
    }),
  );
});

it('fired and resolved take turns, and an alert has one id', () => {
  fc.assert(
    fc.property(RULE, fc.array(LETTER, { maxLength: 80 }), (rule, letters) => {
      const ends: Transition[] = ['resolved', 'levelShift'];
      const told = run(rule, letters.map(reading)).transitions.filter((t) => t === 'fired' || ends.includes(t));
      told.forEach((transition, i) => expect(transition === 'fired').toBe(i % 2 === 0));
    }),
  );
});

it('looking at open minutes early, any number of times, ends in the same states as looking at them once they are closed', () => {
  fc.assert(
    fc.property(
      fc.array(LETTER, { maxLength: 60 }),
      fc.array(fc.nat(3), { minLength: 60, maxLength: 60 }),
      (letters, looks) => {
        const rule = ruleOf({});
        const late = run(rule, letters.map(reading));
        const early = run(
          rule,
          letters.flatMap((letter, i) => [
            // counts of an open minute only rise: what is hot early is hot in the end
            ...Array.from({ length: letter === 'h' ? (looks[i] ?? 0) : 0 }, () => reading('H', i)),
            reading(letter, i),
          ]),
        );
        expect(early.transitions.filter((t) => t !== 'none')).toEqual(late.transitions.filter((t) => t !== 'none'));
        expect(early.state).toEqual(late.state);
      },
    ),
  );
});
