import type { ChainRuleRow } from '@whydrop/storage';
import type { ChainRuleCondition } from './chain-rule.type.js';
import { conditionOf, ruleWanted } from './wanted.js';

const at = { cluster: 'c', node: 'n', family: 'inet', backend: 'nft', observedAt: 0, packets: null, bytes: null };
const rule = (chain: string, position: number | null, target: string | null, comments: readonly string[] = []) => {
  const text = position === null ? `:${chain} ${target ?? ''}` : `-A ${chain} -j ${target ?? ''}`;
  return { ...at, table: 'filter', chain, position, text, target, comments } satisfies ChainRuleRow;
};

const RULES = [
  rule('INPUT', 1, 'ACCEPT'),
  rule('INPUT', 2, 'DROP', ['cali:x']),
  rule('INPUT', null, 'DROP'),
  rule('LOG', 1, null),
];

const found = (condition: ChainRuleCondition) => RULES.flatMap((each, i) => (ruleWanted(condition)(each) ? [i] : []));

it.each<[ChainRuleCondition, readonly number[]]>([
  [{}, [0, 1, 2, 3]],
  [{ chain: { eq: 'INPUT' }, target: { neq: 'DROP' } }, [0]],
  [{ target: { in: ['DROP', 'REJECT'] } }, [1, 2]],
  [{ target: { nin: ['DROP'] } }, [0, 3]],
  [{ target: { isNull: true } }, [3]],
  [{ position: { isNull: true } }, [2]],
  [{ position: { gt: 1 } }, [1]],
  [{ position: { gte: 1, lt: 2 } }, [0, 3]],
  [{ position: { lte: 1 } }, [0, 3]],
  [{ comment: { startsWith: 'cali:' } }, [1]],
  [{ text: { contains: '-j DROP' } }, [1]],
  [{ text: { containsIgnoreCase: 'input' } }, [0, 1, 2]],
  [{ or: [] }, []],
  [{ or: [{ chain: { eq: 'LOG' } }, { position: { eq: 2 } }] }, [1, 3]],
  [{ and: [{ chain: { eq: 'INPUT' } }, { target: { eq: 'DROP' } }] }, [1, 2]],
  [{ not: { comment: { eq: 'cali:x' } } }, [0, 2, 3]],
])('%j', (condition, places) => {
  expect(found(condition)).toEqual(places);
});

it('the short fields of a filter ask for the same', () => {
  const filter = { cluster: 'c', nodes: ['n'], chain: 'INPUT', contains: 'DROP', drops: true };
  expect(found(conditionOf(filter))).toEqual([1, 2]);
  expect(found(conditionOf({ ...filter, not: { position: { isNull: true } } }))).toEqual([1]);
});
