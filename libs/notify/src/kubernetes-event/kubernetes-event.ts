import { createHash } from 'node:crypto';
import type { AlertMessage } from '@whydrop/alerting';
import { judgeStatus } from '../judge.js';
import type { Answer, InCluster, Judgement, Nothing, Outgoing, ReceiverKind, Request } from '../receiver.js';
import { checkUrl } from '../settings.js';
import { cut, cutBytes, statusWord } from '../text.js';

/** Limits of events.k8s.io/v1: note in bytes, reason and action in characters. */
const MOST_NOTE = 1_024;
const MOST_REASON = 128;

type Pod = NonNullable<AlertMessage['pod']>;

/** The message names the event: sent again, it is there already. */
function eventName(pod: Pod, key: string): string {
  return `${cut(pod.name, 200).replace(/[^a-z0-9.-]/g, '-')}.${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}

function eventOf(message: AlertMessage, pod: Pod, key: string): object {
  const { status, ruleName, at, summary, sentence, cause } = message;
  const head = status === 'firing' ? summary : `${statusWord(message)}: ${summary}`;
  const text = sentence === null ? head : `${head}: ${sentence}`;
  const reason = `${ruleName.replace(/[^A-Za-z0-9]/g, '')}${status === 'resolved' ? 'Resolved' : ''}` || 'Alert';
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      name: eventName(pod, key),
      namespace: pod.namespace,
      ...(cause === null ? {} : { annotations: { 'whydrop.io/cause': cause } }),
    },
    eventTime: new Date(Math.floor(at / 1000)).toISOString().replace('Z', '000Z'),
    reportingController: 'whydrop.io/whydrop',
    reportingInstance: 'whydrop',
    action: 'Alert',
    reason: reason.slice(0, MOST_REASON),
    regarding: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: pod.namespace,
      name: pod.name,
      ...(pod.uid === null ? {} : { uid: pod.uid }),
    },
    note: cutBytes(text, MOST_NOTE),
    type: status === 'firing' ? 'Warning' : 'Normal',
  };
}

function serverOf({ settings, secrets, surroundings }: Outgoing): (InCluster & { readonly own: boolean }) | undefined {
  const url = settings['url'];
  if (url === undefined) {
    const own = surroundings.inCluster();
    return own && { ...own, own: true };
  }
  return { url, token: secrets['token'] ?? '', certificateAuthority: settings['certificateAuthority'], own: false };
}

function request(outgoing: Outgoing): Request | Nothing {
  const { message, key, surroundings } = outgoing;
  const { pod } = message;
  if (!pod) return { nothing: 'the alert concerns no single pod' };
  const server = serverOf(outgoing);
  if (!server) return { nothing: 'this process runs in no Kubernetes cluster, and the receiver names no url' };
  const { certificateAuthority: ca } = server;
  return {
    url: `${server.url.replace(/\/+$/, '')}/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(pod.namespace)}/events`,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Bearer ${server.token}`,
      'user-agent': `Whydrop/${surroundings.version}`,
    },
    body: JSON.stringify(eventOf(message, pod, key)),
    ...(ca === undefined ? {} : { certificateAuthority: ca }),
    ...(server.own ? { isOwnCluster: true as const } : {}),
  };
}

/** 409: an earlier try had arrived. */
function judge(answer: Answer, now: number): Judgement {
  return answer.status === 409 ? { kind: 'delivered' } : judgeStatus(answer, now);
}

export const kubernetesEvent: ReceiverKind = {
  kind: 'kubernetes-event',
  title: 'Kubernetes event',
  doc:
    'An event (events.k8s.io/v1) on the pod concerned, for `kubectl describe pod`. Alerts about no single pod are passed over. Needs ' +
    '`create` on `events` in `events.k8s.io`.',
  fields: [
    {
      name: 'url',
      description: 'API server; left out: that of the cluster Whydrop runs in, with its service account',
      secret: false,
      required: false,
      check: checkUrl,
    },
    {
      name: 'certificateAuthority',
      description: 'of that server, in PEM; left out: the well-known ones',
      secret: false,
      required: false,
      check: (value) => (value.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'is no certificate in PEM'),
    },
    { name: 'token', description: 'bearer token, where `url` is set', secret: true, required: false },
  ],
  request,
  judge,
};
