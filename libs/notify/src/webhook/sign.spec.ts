import { Webhook } from 'standardwebhooks';
import { FIRING, outgoing, RESOLVED } from '../sample-messages.js';
import { signature, signingKey } from './sign.js';
import { webhook } from './webhook.js';

const CURRENT = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const PREVIOUS = 'whsec_d2h5ZHJvcC1yb3RhdGlvbi10ZXN0LXNlY3JldC0zMmIh';

describe('signature', () => {
  it.each([
    [
      'the example of the specification',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1_614_265_330,
      '{"test": 2432232314}',
      [CURRENT],
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    ],
    [
      'two secrets, and more than ASCII',
      'msg_01JD4Q2Z8Y6T7R5W3V1XKMNPQR',
      1_795_212_551,
      '{"type":"alert.firing","timestamp":"2026-11-20T22:09:11.357Z","data":{"summary":"Drops ↑ 12×"}}',
      [CURRENT, PREVIOUS],
      'v1,hWFM+OE13mGllv2GfbnHwDbfLKOg+HiGxF+FUyldcQ0= v1,tAeqLFHlqH+tX1P22fHQddEWT03N66SRNEOprJlSHXs=',
    ],
  ])('%s', (_name, id, seconds, body, secrets, wanted) => {
    expect(signature(id, seconds, body, secrets)).toBe(wanted);
  });

  it.each(['', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_', 'whsec_c2hvcnQ=', 'whsec_###', `whsec_${'A'.repeat(88)}`])(
    '%p is no secret',
    (secret) => expect(signingKey(secret)).toBeUndefined(),
  );
});

function sentNow(format: string, message = FIRING) {
  const settings = { url: 'https://receiver.example/hook', format };
  const request = webhook.request(outgoing(message, { settings, now: Date.now() }));
  if ('nothing' in request) throw new Error(request.nothing);
  return request;
}

describe.each(['whydrop', 'alertmanager'])('a webhook of format %s', (format) => {
  it.each([FIRING, RESOLVED])('is taken by the library standardwebhooks: $status', (message) => {
    const { body, headers } = sentNow(format, message);
    expect(new Webhook(CURRENT).verify(body, headers)).toBeTruthy();
  });

  it.each([
    ['body', ({ body }: { body: string }) => ({ body: `${body} ` })],
    ['id', () => ({ headers: { 'webhook-id': 'msg_other' } })],
    ['time', () => ({ headers: { 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 1) } })],
    ['age', () => ({ headers: { 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 301) } })],
  ] as const)('is refused with another %s', (_what, change) => {
    const request = sentNow(format);
    const changed: { body?: string; headers?: object } = change(request);
    const headers = { ...request.headers, ...changed.headers };
    expect(() => new Webhook(CURRENT).verify(changed.body ?? request.body, headers)).toThrow();
    expect(() => new Webhook(PREVIOUS).verify(request.body, request.headers)).toThrow();
  });
});

it('a body that would be too long leaves out what is worth least, and stays below 20 kB', () => {
  const end = { kind: 'pod', namespace: 'n'.repeat(63), name: 'p'.repeat(253) };
  const message = {
    ...FIRING,
    trend: Array.from({ length: 2_000 }, (_, i) => ({ from: i, value: i })),
    topSources: Array.from({ length: 100 }, () => ({ end, drops: 1 })),
    policies: Array.from({ length: 200 }, () => `NetworkPolicy/${'x'.repeat(300)}`),
    changes: Array.from({ length: 100 }, () => 'c'.repeat(2_000)),
    sentence: '→'.repeat(9_000),
  };
  const request = webhook.request(outgoing(message));
  if ('nothing' in request) throw new Error(request.nothing);
  expect(Buffer.byteLength(request.body)).toBeLessThanOrEqual(20_000);
  expect(request.body).toContain(FIRING.summary);
});
