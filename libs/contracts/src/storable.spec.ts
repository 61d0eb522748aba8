import { coverageSchema } from './coverage.js';
import { gapSchema } from './gap.js';

const GAP = { stream: 's', reason: 'EVENTS_LOST', from: '2026-11-20T00:00:00Z', to: '2026-11-20T00:01:00Z' };
const COVERAGE = { from: GAP.from, to: GAP.to, nodes: { n1: ['conntrack'] } };

it.each(['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999-15:59', '2026-11-20T00:00:00.123456789+05:45'])(
  'takes the time %s',
  (from) => {
    expect(gapSchema.safeParse({ ...GAP, from }).success).toBe(true);
    expect(coverageSchema.safeParse({ ...COVERAGE, from }).success).toBe(true);
  },
);

it.each([
  '0000-01-01T00:00:00Z',
  '2026-11-20T00:00:00+16:00',
  '2026-11-20T00:00:00-23:59',
  '2026-11-20T00:00:60Z',
  '2026-11-20',
])('refuses the time %s', (to) => {
  expect(gapSchema.safeParse({ ...GAP, to }).success).toBe(false);
  expect(coverageSchema.safeParse({ ...COVERAGE, to }).success).toBe(false);
});

it.each([{ stream: 'a\0' }, { channel: 'a\0' }])('refuses NUL in %j', (field) => {
  expect(gapSchema.safeParse({ ...GAP, ...field }).error?.issues[0]?.message).toBe('must not hold NUL');
});

it.each([{ 'n\0': ['conntrack'] }, { n1: ['a\0'] }])('refuses NUL in the nodes %j', (nodes) => {
  expect(coverageSchema.safeParse({ ...COVERAGE, nodes }).success).toBe(false);
});
