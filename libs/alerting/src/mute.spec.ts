import { isSilencedBy, type Matcher, matches, mutedBy } from './mute.js';
import { parseRule } from './rule-schema.js';

const labels = { policy: 'NetworkPolicy/dev/p', cluster: 'c', rule: 'Spike' };
const matcher = (name: string, operator: string, value: string): Matcher => ({
  name,
  value,
  isRegex: operator.endsWith('~'),
  isEqual: operator.startsWith('='),
});

it.each([
  ['policy', '=', 'NetworkPolicy/dev/p', true],
  ['policy', '=', 'NetworkPolicy/dev', false],
  ['policy', '=~', '.*/dev/.*', true],
  ['policy', '=~', 'dev', false],
  ['policy', '!=', 'x', true],
  ['policy', '!~', '.*/dev/.*', false],
  ['node', '=', '', true],
  ['node', '!=', '', false],
] as const)('%s%s%s', (name, operator, value, expected) => {
  expect(matches(matcher(name, operator, value), labels)).toBe(expected);
});

it('a silence holds from its begin to just before its end, when all of it matches', () => {
  const silence = { id: 's', author: 'a', comment: 'c', startsAt: 10, endsAt: 20 };
  const both = { ...silence, matchers: [matcher('rule', '=', 'Spike'), matcher('cluster', '=', 'other')] };
  const one = { ...silence, matchers: [matcher('rule', '=', 'Spike')] };
  expect([9, 10, 19, 20].map((at) => isSilencedBy(one, labels, at))).toEqual([false, true, true, false]);
  expect(isSilencedBy(both, labels, 15)).toBe(false);
});

it('another alert mutes when rule, cluster and the named labels agree', () => {
  const parsed = parseRule({ name: 'Pods', kind: 'SPIKE', inhibitedBy: [{ rule: 'Node', equal: ['node'] }] });
  if (parsed.kind === 'problems') throw new Error('wrong rule');
  const alert = { id: '1', ruleName: 'Pods', labels: { node: 'n1', cluster: 'c' } };
  const other = (id: string, ruleName: string, node: string, cluster = 'c') => ({
    id,
    ruleName,
    labels: { node, cluster },
  });
  const by = (...firing: ReturnType<typeof other>[]) => mutedBy(parsed.rule, alert, [alert, ...firing], [], 0);
  expect(by(other('2', 'Node', 'n1'))).toEqual({ by: 'inhibition', id: '2' });
  expect(by(other('2', 'Node', 'n2'), other('3', 'Other', 'n1'), other('4', 'Node', 'n1', 'd'))).toBeNull();
});
