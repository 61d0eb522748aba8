import { judgeStatus, retryAfterSeconds } from './judge.js';
import { pauseAfter, retryDelay, SCHEDULE } from './schedule.js';
import { kubernetesEvent } from './kubernetes-event/kubernetes-event.js';
import { slack } from './slack/slack.js';

const NOW = Date.parse('2026-11-20T22:00:00Z');
const answer = (status: number, more: object = {}) => ({
  status,
  retryAfter: undefined,
  location: undefined,
  body: '',
  ...more,
});

it.each([
  ['200 201 202 204 299', 'delivered'],
  ['301 302 303 307 308', 'retry'],
  ['400 401 403 404 405 409 413 422', 'dead'],
  ['408 425 429 500 502 503 504 599', 'retry'],
])('%s: %s', (statuses, kind) => {
  for (const status of statuses.split(' ')) expect(judgeStatus(answer(Number(status)), NOW).kind).toBe(kind);
});

it('410 switches the receiver off, a redirect says where to', () => {
  expect(judgeStatus(answer(410), NOW)).toMatchObject({ kind: 'dead', disable: true });
  expect(judgeStatus(answer(404), NOW)).toMatchObject({ kind: 'dead', disable: false });
  const { reason } = judgeStatus(answer(302, { location: 'https://login.example/' }), NOW) as { reason: string };
  expect(reason).toContain('redirect to https://login.example/: redirects are not followed');
});

it.each([
  ['7', 7],
  ['0', 0],
  [' 12 ', 12],
  ['Fri, 20 Nov 2026 22:01:30 GMT', 90],
  ['Fri, 20 Nov 2026 21:00:00 GMT', 0],
  ['999999999', 86_400],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %p: %p', (text, seconds) => {
  expect(retryAfterSeconds(text, NOW)).toBe(seconds);
});

it.each([
  [200, 'ok', 'delivered'],
  [200, 'ok\n', 'delivered'],
  [200, '<html>', 'retry'],
  [200, '', 'retry'],
  [400, 'invalid_payload', 'dead'],
  [403, 'invalid_token', 'dead'],
  [404, 'no_service', 'dead'],
  [410, 'channel_is_archived', 'dead'],
  [429, 'rate_limited', 'retry'],
  [500, 'rollup_error', 'retry'],
])('Slack answers %d %p: %s', (status, body, kind) => {
  const judged = slack.judge?.(answer(status, { body }), NOW);
  expect(judged?.kind).toBe(kind);
  if (kind === 'dead') expect(judged).toMatchObject({ reason: `answered ${status} ${body}` });
});

it('an event that Kubernetes has already was told', () => {
  expect(kubernetesEvent.judge?.(answer(409), NOW)).toEqual({ kind: 'delivered' });
  expect(kubernetesEvent.judge?.(answer(403), NOW).kind).toBe('dead');
});

it('tries go on for more than three days, at least as often as Standard Webhooks asks for', () => {
  const all = SCHEDULE.map((_, i) => retryDelay(i + 1, 0.5) ?? 0);
  expect(all).toEqual(SCHEDULE);
  expect(all.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(75 * 3600 + 35 * 60);
  expect(retryDelay(SCHEDULE.length + 1, 0.5)).toBeUndefined();
  expect(retryDelay(4, 0)).toBeCloseTo(48);
  expect(retryDelay(4, 0.999_999)).toBeCloseTo(72, 2);
});

it('a receiver that fails again and again is left alone longer and longer, five minutes at most', () => {
  expect([1, 4, 5, 6, 9, 100].map((failures) => pauseAfter(failures, 0.5))).toEqual([null, null, 1, 2, 16, 300]);
});
