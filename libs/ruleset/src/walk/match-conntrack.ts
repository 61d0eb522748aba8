import { protocolFromName } from '@whydrop/model';
import type { RuleMatch, RuleOption } from '../rule-syntax.js';
import { netContains, parseNet } from './address.js';
import type { Criterion } from './criterion.js';
import { assumeMark, marksEqual, parseMasked } from './mark.js';
import { hasEntry, visibleStates, type CtState, type End, type WalkState } from './state.js';

/** Answer of one option for a packet of one conntrack state. */
type OptionTest = (state: WalkState, ct: CtState) => boolean | undefined;

function stateTest(option: RuleOption): OptionTest {
  const wanted = new Set(option.values[0]?.split(',') ?? []);
  return (state, ct) => {
    if (wanted.has(ct)) return true;
    if (!hasEntry(ct)) return false;
    const nat = [
      [wanted.has('DNAT'), state.isDnat],
      [wanted.has('SNAT'), state.isSnat],
    ] as const;
    const asked = nat.filter(([isWanted]) => isWanted).map(([, is]) => is);
    if (asked.includes(true)) return true;
    return asked.includes(undefined) ? undefined : false;
  };
}

type Original = NonNullable<WalkState['original']>;

function originalTest(option: RuleOption, side: keyof Original): OptionTest | undefined {
  const net = parseNet(option.values[0] ?? '');
  return (
    net &&
    (({ original }) => {
      const address = original?.[side].address;
      return address === undefined ? undefined : netContains(net, address);
    })
  );
}

function originalPortTest(option: RuleOption, side: keyof Original): OptionTest {
  const [low = 0, high = low] = (option.values[0] ?? '').split(':').map(Number);
  return ({ original }) => {
    const end: End | undefined = original?.[side];
    return end?.port === undefined ? undefined : end.port >= low && end.port <= high;
  };
}

function directionTest(option: RuleOption): OptionTest {
  const wanted = option.values[0];
  return ({ packet }, ct) => {
    const direction = ct === 'NEW' ? 'ORIGINAL' : packet.ctDirection;
    return direction === undefined ? undefined : direction === wanted;
  };
}

/** A new connection has seen no reply and is not assured; whether it is confirmed depends on whether it is a retry. */
function statusTest(option: RuleOption): OptionTest {
  const wanted = option.values[0]?.split(',') ?? [];
  return (_, ct) =>
    ct === 'NEW' && wanted.every((name) => name === 'SEEN_REPLY' || name === 'ASSURED') ? false : undefined;
}

function protocolTest(option: RuleOption): OptionTest {
  const protocol = protocolFromName(option.values[0] ?? '');
  return (state) => protocol !== undefined && state.protocol === protocol;
}

function optionTest(option: RuleOption): OptionTest | undefined {
  switch (option.name) {
    case '--ctstate':
    case '--state':
      return stateTest(option);
    case '--ctorigsrc':
      return originalTest(option, 'source');
    case '--ctorigdst':
      return originalTest(option, 'destination');
    case '--ctorigsrcport':
      return originalPortTest(option, 'source');
    case '--ctorigdstport':
      return originalPortTest(option, 'destination');
    case '--ctdir':
      return directionTest(option);
    case '--ctstatus':
      return statusTest(option);
    case '--ctproto':
      return protocolTest(option);
    default:
      return () => undefined;
  }
}

function optionText({ name, negated, values }: RuleOption): string {
  return `${negated ? '! ' : ''}${name} ${values.join(' ')}`;
}

interface Question {
  readonly isState: boolean;
  readonly isNegated: boolean;
  readonly test: OptionTest;
}

function questions(match: RuleMatch): readonly Question[] {
  return match.options.map((option) => ({
    isState: option.name === '--ctstate' || option.name === '--state',
    isNegated: option.negated,
    test: optionTest(option) ?? (() => undefined),
  }));
}

/**
 * What xt_conntrack answers for one state: without an entry only the state is asked, and a match that does not ask for
 * it fails. Source: torvalds/linux `net/netfilter/xt_conntrack.c`.
 */
function matchFor(asked: readonly Question[], state: WalkState, ct: CtState): boolean | undefined {
  const isOpen = hasEntry(ct);
  if (!isOpen && !asked.some(({ isState }) => isState)) return false;
  let undecided = false;
  for (const { isState, isNegated, test } of asked) {
    if (!isState && !isOpen) continue;
    const answer = test(state, ct);
    if (answer === undefined) undecided = true;
    else if (answer === isNegated) return false;
  }
  return undecided ? undefined : true;
}

function agreed(answers: readonly (boolean | undefined)[]): boolean | undefined {
  const [first] = answers;
  return answers.every((answer) => answer === first) ? first : undefined;
}

/** Criterion of a whole conntrack or state match. */
export function conntrackCriteria(match: RuleMatch): readonly Criterion[] {
  const asked = questions(match);
  const texts = match.options.map(optionText);
  return [
    {
      isFact: true,
      text: `conntrack ${texts.join(' ')}`,
      missing: 'conntrack state',
      test: (state) => agreed(visibleStates(state).map((ct) => matchFor(asked, state, ct))),
      assume: (state, holds) => {
        if (state.kind === 'raw' || state.notrack) return state;
        const ct = state.ct.filter((candidate) => matchFor(asked, state, candidate) !== !holds);
        return ct.length === 0 ? state : { ...state, ct };
      },
    },
  ];
}

/** Criterion of `-m mark`. */
export function markCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  return match.options.map((option) => {
    const bits = parseMasked(option.values[0] ?? '');
    if (option.name !== '--mark' || !bits) return undefined;
    const { value, mask } = bits;
    return {
      isFact: false,
      text: `mark ${optionText(option)}`,
      missing: 'packet mark',
      test: (state) => {
        const equal = marksEqual(state.mark, value, mask);
        return equal === undefined ? undefined : equal !== option.negated;
      },
      assume: (state, holds) => ({ ...state, mark: assumeMark(state.mark, value, mask, holds !== option.negated) }),
    };
  });
}

/** Criterion of `-m connmark`: a packet without conntrack entry never matches, negated or not. */
export function connmarkCriteria(match: RuleMatch): readonly (Criterion | undefined)[] {
  return match.options.map((option) => {
    const bits = parseMasked(option.values[0] ?? '');
    if (option.name !== '--mark' || !bits) return undefined;
    const { value, mask } = bits;
    return {
      isFact: false,
      text: `connmark ${optionText(option)}`,
      missing: 'connection mark',
      test: (state) => {
        const states = visibleStates(state);
        if (!states.some(hasEntry)) return false;
        const equal = marksEqual(state.connmark, value, mask);
        if (equal === undefined) return undefined;
        const matches = equal !== option.negated;
        return !matches || states.every(hasEntry) ? matches : undefined;
      },
      assume: (state, holds) => {
        const entries = state.ct.filter(hasEntry);
        if (!holds || entries.length === 0) return state;
        const connmark = assumeMark(state.connmark, value, mask, !option.negated);
        return { ...state, ct: entries, connmark };
      },
    };
  });
}
