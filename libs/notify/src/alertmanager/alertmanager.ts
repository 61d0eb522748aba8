import type { AlertMessage } from '@whydrop/alerting';
import { annotationsOf, labelsOf } from '../labels.js';
import type { Outgoing, ReceiverKind, Request, Words } from '../receiver.js';
import { checkUrl } from '../settings.js';
import { isoOf, linkOf } from '../text.js';

/** Seconds between two tellings, and how long an alert burns there without one: four of them, as Prometheus does. */
const REPEAT = 60;
const BURNS_MILLIS = 4 * REPEAT * 1000;
/** A resolved alert is told for so long, so that an Alertmanager that was restarted tells it too. */
const RESOLVED_FOR = 15 * 60;

function endsAt({ status, endsAt: ended, at, startsAt }: AlertMessage, now: number): string {
  if (status === 'resolved') return isoOf(Math.max(ended ?? at, startsAt));
  return new Date(status === 'test' ? now + 60_000 : now + BURNS_MILLIS).toISOString();
}

function authorizationOf(user: string | undefined, { bearerToken, password = '' }: Words): Words {
  if (bearerToken !== undefined) return { authorization: `Bearer ${bearerToken}` };
  if (user === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function request({ message, settings, secrets, now, surroundings }: Outgoing): Request {
  const link = linkOf(message, surroundings.publicUrl);
  const alert = {
    labels: labelsOf(message),
    annotations: annotationsOf(message),
    startsAt: isoOf(message.startsAt),
    endsAt: endsAt(message, now),
    ...(link === undefined ? {} : { generatorURL: link }),
  };
  return {
    url: `${(settings['url'] ?? '').replace(/\/+$/, '')}/api/v2/alerts`,
    headers: {
      'content-type': 'application/json',
      'user-agent': `Whydrop/${surroundings.version}`,
      ...authorizationOf(settings['user'], secrets),
    },
    body: JSON.stringify([alert]),
  };
}

export const alertmanager: ReceiverKind = {
  kind: 'alertmanager',
  title: 'Alertmanager',
  doc:
    'Pushes to `/api/v2/alerts`. Alertmanager groups, silences and forgets: a firing alert is told again every minute, a resolved one ' +
    'for 15 minutes. Make one receiver for every Alertmanager of a cluster, not one for a load balancer in front of them.',
  fields: [
    {
      name: 'url',
      description: 'base address: `http://alertmanager:9093`',
      secret: false,
      required: true,
      check: checkUrl,
    },
    { name: 'user', description: 'for basic authentication', secret: false, required: false },
    { name: 'password', description: 'for basic authentication', secret: true, required: false },
    { name: 'bearerToken', description: 'instead of user and password', secret: true, required: false },
  ],
  request,
  repeatAfter: ({ status }, sinceDelivered) => {
    if (status === 'firing') return REPEAT;
    return status === 'resolved' && sinceDelivered < RESOLVED_FOR ? REPEAT : null;
  },
};
