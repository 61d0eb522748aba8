import type { ExplainedEnd, KubernetesObject, ObjectVersion } from '@whydrop/model';
import { changedSince } from './changed-since.js';
import { changesBefore } from './changes.js';
import {
  cluster,
  CLIENT,
  FROM_CLIENT1,
  NAMESPACE,
  NODES,
  pod,
  PODS,
  policy,
  SERVICES,
  slice,
  WEB,
} from './cause-scene.js';
import { captured, type ObjectAt, T0 } from './fixture.js';

const end = (name: string, ip: string): ExplainedEnd => ({
  ip,
  pod: { namespace: 'shop', name, uid: undefined },
  workload: { kind: 'Pod', namespace: 'shop', name },
  node: 'n1',
  role: 'pod',
  label: name,
});

const OPEN = policy('{}');

function changes(later: readonly ObjectAt[], objects = cluster(...NODES, ...PODS, ...SERVICES, OPEN)) {
  const { history } = captured(objects, {}, later).surroundings;
  const found = changesBefore(history, {
    at: T0,
    source: end('client', CLIENT),
    destination: end('web', WEB),
    protocol: 'TCP',
    destinationPort: 8080,
    service: { namespace: 'shop', name: 'web' },
    policies: [],
  });
  return found.map(({ sentence }) => sentence);
}

describe('what changed just before', () => {
  it.each([
    [
      'a policy that judged it otherwise',
      [{ seconds: -5, object: policy(FROM_CLIENT1) }],
      ['NetworkPolicy shop/web-clients was edited'],
    ],
    [
      'a policy that is new',
      [{ seconds: -9, object: policy('', 'closed') }],
      ['NetworkPolicy shop/closed was created'],
    ],
    [
      'a policy that is gone',
      [{ seconds: -9, object: OPEN, deleted: true }],
      ['NetworkPolicy shop/web-clients was deleted'],
    ],
    [
      'labels of an end',
      [{ seconds: -3, object: pod('client', 'n1', CLIENT).replace('app: client }', 'app: x }') }],
      ['Pod shop/client got other labels: app=x (was client)'],
    ],
    [
      'labels of its namespace',
      [{ seconds: -3, object: NAMESPACE.replace('shop }', 'shop, labels: { team: a } }') }],
      ['Namespace shop got other labels: team=a'],
    ],
    [
      'endpoints of the service',
      [{ seconds: -3, object: slice('web', '10.1.2.99', 'web') }],
      ['Service shop/web got other endpoints'],
    ],
    ['nothing: the policy is for another pod', [{ seconds: -5, object: policy('', 'closed', 'free') }], []],
    ['nothing: it was an hour before', [{ seconds: -3600, object: policy(FROM_CLIENT1) }], []],
    ['nothing: it came after', [{ seconds: 5, object: policy(FROM_CLIENT1) }], []],
  ] as const)('%s', (_story, later, wanted) => {
    expect(changes(later)).toEqual(wanted);
  });
});

describe('what changed since', () => {
  const version = (from: number, to: number | undefined, spec: object, uid = 'u'): ObjectVersion => ({
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'shop', uid },
      spec,
    } as KubernetesObject,
    validFrom: from,
    validTo: to,
  });

  it.each([
    ['nothing', [version(0, undefined, { a: 1 })], undefined],
    ['an edit', [version(0, 10, { a: 1 }), version(10, undefined, { a: 2 })], 'NetworkPolicy shop/p was edited'],
    ['a deletion', [version(0, 10, { a: 1 })], 'NetworkPolicy shop/p was deleted'],
    [
      'another of the same name',
      [version(0, 10, { a: 1 }), version(20, undefined, { a: 1 }, 'v')],
      'NetworkPolicy shop/p was deleted and created anew',
    ],
    [
      'an edit that was taken back',
      [version(0, 10, { a: 1 }), version(10, 20, { a: 2 }), version(20, undefined, { a: 1 })],
      undefined,
    ],
  ])('%s', (_story, versions, wanted) => {
    expect(changedSince(versions, 5)?.sentence).toBe(wanted);
  });
});
