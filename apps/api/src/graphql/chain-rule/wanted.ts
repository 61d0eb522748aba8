import type { ChainRuleRow, Match } from '@whydrop/storage';
import type { ChainRuleCondition, ChainRuleFilter } from './chain-rule.type.js';

type Wanted = (rule: ChainRuleRow) => boolean;
type Value = string | number;

/** Fields of a condition and what a rule has there; a field with several values holds when one of them does. */
const FIELDS = {
  table: ({ table }) => [table],
  chain: ({ chain }) => [chain],
  position: ({ position }) => (position === null ? [] : [position]),
  text: ({ text }) => [text],
  target: ({ target }) => (target === null ? [] : [target]),
  comment: ({ comments }) => comments,
} satisfies Record<string, (rule: ChainRuleRow) => readonly Value[]>;

const has = (list: readonly Value[], test: (value: Value) => boolean) => list.some(test);

/** As `conditionSql` has it for rows: what is asked of a value that is not there does not hold. */
function holds(match: Match<Value>, values: readonly Value[]): boolean {
  const { eq, neq, in: among, nin, gt, gte, lt, lte, contains, containsIgnoreCase, startsWith, isNull } = match;
  const folded = containsIgnoreCase?.toLowerCase();
  return (
    (eq == null || has(values, (value) => value === eq)) &&
    (neq == null || !has(values, (value) => value === neq)) &&
    (among == null || has(values, (value) => among.includes(value))) &&
    (nin == null || !has(values, (value) => nin.includes(value))) &&
    (gt == null || has(values, (value) => value > gt)) &&
    (gte == null || has(values, (value) => value >= gte)) &&
    (lt == null || has(values, (value) => value < lt)) &&
    (lte == null || has(values, (value) => value <= lte)) &&
    (contains == null || has(values, (value) => String(value).includes(contains))) &&
    (folded === undefined || has(values, (value) => String(value).toLowerCase().includes(folded))) &&
    (startsWith == null || has(values, (value) => String(value).startsWith(startsWith))) &&
    (isNull == null || (values.length === 0) === isNull)
  );
}

/** Whether a rule is what a condition asks for. Rulesets are stored whole, so their rules are chosen here, not in SQL. */
export function ruleWanted(condition: ChainRuleCondition): Wanted {
  const tests: Wanted[] = Object.entries(FIELDS).flatMap(([name, valuesOf]) => {
    const match = condition[name as keyof typeof FIELDS] as Match<Value> | null | undefined;
    return match ? [(rule: ChainRuleRow) => holds(match, valuesOf(rule))] : [];
  });
  tests.push(...(condition.and ?? []).map(ruleWanted));
  if (condition.or) {
    const choices = condition.or.map(ruleWanted);
    tests.push((rule) => choices.some((choice) => choice(rule)));
  }
  if (condition.not) {
    const refused = ruleWanted(condition.not);
    tests.push((rule) => !refused(rule));
  }
  return (rule) => tests.every((test) => test(rule));
}

/** The condition that a filter's short fields stand for, with its own. */
export function conditionOf({ table, chain, contains, drops, and, or, not }: ChainRuleFilter): ChainRuleCondition {
  const short: ChainRuleCondition = {
    table: { eq: table ?? null },
    chain: { eq: chain ?? null },
    text: { contains: contains ?? null },
    target: { in: drops === true ? ['DROP', 'REJECT'] : null },
  };
  return { and: [short, ...(and ?? [])], or: or ?? null, not: not ?? null };
}
