import type { AlertMessage } from '@whydrop/alerting';
import type { Outgoing, Surroundings } from './receiver.js';

const STARTED = 1_795_212_551_357_000;
const MINUTE = 60_000_000;

/** What tests tell receivers: a policy that was rolled out too strict. */
export const FIRING: AlertMessage = {
  alertId: 'al_7f3c',
  sequence: 1,
  status: 'firing',
  at: STARTED + MINUTE,
  startsAt: STARTED,
  endsAt: null,
  ruleName: 'DropSpike',
  ruleKind: 'SPIKE',
  severity: 'warning',
  cluster: 'prod',
  labels: { cause: 'POLICY_DEFAULT_DENY', namespace: 'pay', policy: 'pay/deny-all', workload: 'db' },
  summary: 'Drops to pay/db:5432 are 12× the usual (policy pay/deny-all)',
  sentence:
    'pay/api → pay/db:5432/TCP was dropped on ingress: NetworkPolicy pay/deny-all isolates db & no rule admits app=api.',
  cause: 'POLICY_DEFAULT_DENY',
  policies: ['NetworkPolicy/pay/deny-all'],
  value: 612,
  expected: 51,
  topSources: [
    { end: { kind: 'Deployment', namespace: 'pay', name: 'api' }, drops: 600 },
    { end: { kind: 'external', namespace: null, name: '203.0.113.9' }, drops: 12 },
  ],
  topDestinations: [{ end: { kind: 'StatefulSet', namespace: 'pay', name: 'db' }, drops: 612 }],
  pod: { namespace: 'pay', name: 'db-0', uid: '4a1c0de2-0000-4000-8000-000000000001' },
  trend: [10, 12, null, 9, 300, 612].map((value, i) => ({ from: STARTED + (i - 5) * MINUTE, value })),
  changes: ['NetworkPolicy pay/deny-all was created 40 s before.'],
  path: '/?group=G1',
};

export const RESOLVED: AlertMessage = {
  ...FIRING,
  sequence: 2,
  status: 'resolved',
  at: STARTED + 10 * MINUTE,
  endsAt: STARTED + 9 * MINUTE,
  value: 3,
};

const SURROUNDINGS: Surroundings = {
  publicUrl: 'https://whydrop.example',
  version: '0.1.0',
  inCluster: () => undefined,
};

/** A message on its way, with fitting settings for every kind of receiver. */
export function outgoing(message: AlertMessage, changes: Partial<Outgoing> = {}): Outgoing {
  return {
    key: 'msg_01JD4Q2Z8Y6T7R5W3V1XKMNPQR',
    message,
    receiver: 'on-call',
    settings: { url: 'https://receiver.example/hook' },
    secrets: {
      url: 'https://hooks.example/services/T/B/x',
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      routingKey: '0123456789abcdef0123456789abcdef',
      token: 'abc',
    },
    now: 1_795_212_612_000,
    surroundings: SURROUNDINGS,
    ...changes,
  };
}
