import { jest } from '@jest/globals';
import { formatInstant } from '@whydrop/model';
import { T0 } from '../../libs/explain/src/fixture.js';
import { nflogLine, OBJECTS } from '../../libs/explain/src/shop.js';
import { resultOf, waitUntilWorked } from './delivery.js';
import type { Stack } from './stack.js';

// The machine may be busy.
jest.setTimeout(120_000);

const time = (seconds: number) => formatInstant(T0 + seconds * 1e6);

/** Attempts long before the first change, and all the time while the cluster changes. */
const ATTEMPTS = [-9_000, -3_000, -1_500, ...Array.from({ length: 14 }, (_, ten) => ten * 10)];
const LOGGED = ATTEMPTS.map((seconds, sequence) =>
  nflogLine({ seconds: T0 / 1e6 + seconds, micros: 0, port: 40_000 + sequence, sequence }),
).join('');

const POLICY = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'web-clients', namespace: 'shop', uid: 'u-policy' },
  spec: { podSelector: { matchLabels: { app: 'web' } }, ingress: [] },
};

const client = (app: string, creationTimestamp?: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client', namespace: 'shop', uid: 'u-client', labels: { app }, creationTimestamp },
  spec: { nodeName: 'n1', containers: [{ name: 'c' }] },
  status: { podIP: '10.1.1.7', phase: 'Running' },
});

/** What is told of the cluster: format, time and text. Each is a batch of its own. */
type Told = readonly [format: string, seconds: number, text: string];

const event = (seconds: number, type: string, object: object): Told => {
  return ['kubernetes-events', seconds, `${JSON.stringify({ at: time(seconds), type, object })}\n`];
};

/** Found long after the attempts and taken to have been there ever since, until earlier changes come. */
const TOLD: readonly Told[] = [
  ['kubernetes-objects', 600, OBJECTS],
  event(25, 'ADDED', client('client-3', time(-2_000))),
  event(65, 'MODIFIED', client('client-4', time(-2_000))),
  event(95, 'DELETED', client('client-4', time(-2_000))),
  event(45, 'MODIFIED', POLICY),
  event(85, 'DELETED', POLICY),
];

async function tell(stack: Stack, index: number): Promise<void> {
  const [format, seconds, text] = TOLD[index] ?? ['', 0, ''];
  const key = { stream: `${format}.${index}`, epoch: 1, sequence: 0 };
  const envelope = { version: 1 as const, cluster: 'late', node: null, format, ...key, observedFrom: time(seconds) };
  await stack.client.ship(envelope, Buffer.from(text));
}

async function log(stack: Stack): Promise<void> {
  const key = { stream: 'nflog', epoch: 1, sequence: 0 };
  await stack.client.ship(
    { version: 1, cluster: 'late', node: 'n2', format: 'nflog-gprint', ...key },
    Buffer.from(LOGGED),
  );
}

// What is told anew when an object comes is only what it bears on: nothing that it changes may be left out.
describe('objects that come one by one, after the records', () => {
  let wanted: string;

  beforeAll(async () => {
    wanted = await resultOf('postgres', async (stack) => {
      await stack.stopWorker();
      for (const index of TOLD.keys()) await tell(stack, index);
      await log(stack);
      await stack.startWorker();
    });
    expect(JSON.parse(wanted)).toMatchObject({ drops: { length: ATTEMPTS.length } });
  });

  it.each([
    [[0, 1, 2, 3, 4, 5]],
    [[5, 4, 3, 2, 1, 0]],
    [[0, 3, 2, 1, 5, 4]],
    [[2, 0, 4, 1, 3, 5]],
    [[3, 5, 0, 4, 2, 1]],
  ])('give the same rows in the order %j', async (order) => {
    const late = await resultOf('postgres', async (stack) => {
      await log(stack);
      await waitUntilWorked(stack);
      for (const index of order) {
        await tell(stack, index);
        await waitUntilWorked(stack);
      }
    });
    expect(late).toBe(wanted);
  });
});
