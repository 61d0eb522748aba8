import { createHash } from 'node:crypto';
import type { AlertMessage } from '@whydrop/alerting';
import type { Outgoing, ReceiverKind, Request } from '../receiver.js';
import { checkUrl } from '../settings.js';
import { cut, details, isoOf, linkOf } from '../text.js';

const ENDPOINT = 'https://events.pagerduty.com/v2/enqueue';
const MOST_KEY = 255;
const MOST_SUMMARY = 1_024;
/** 512 kB, and room for what stands around. */
const MOST_BYTES = 500_000;

/** The same from trigger to resolve; a long id is named by its hash. */
export function dedupKey({ alertId }: Pick<AlertMessage, 'alertId'>): string {
  const key = `whydrop:${alertId}`;
  return key.length <= MOST_KEY ? key : `whydrop:${createHash('sha256').update(alertId).digest('hex')}`;
}

function payloadOf(message: AlertMessage) {
  const { labels } = message;
  const sentence = message.sentence === null ? {} : { explanation: cut(message.sentence, 3_000) };
  const lines = details(message).map(([name, text]) => [name.toLowerCase().replaceAll(' ', '_'), cut(text, 2_000)]);
  return {
    summary: cut(message.summary, MOST_SUMMARY),
    source: cut([message.cluster, labels['namespace']].filter(Boolean).join('/') || 'whydrop', MOST_KEY),
    severity: message.severity,
    timestamp: isoOf(message.at),
    ...(labels['workload'] === undefined ? {} : { component: cut(labels['workload'], MOST_KEY) }),
    ...(labels['namespace'] === undefined ? {} : { group: cut(labels['namespace'], MOST_KEY) }),
    class: cut(message.ruleName, MOST_KEY),
    custom_details: { ...sentence, ...Object.fromEntries(lines), labels } as Readonly<Record<string, unknown>>,
  };
}

function triggerOf(message: AlertMessage, head: object, link: string | undefined): string {
  const payload = payloadOf(message);
  const links = link === undefined ? {} : { links: [{ href: link, text: 'Why?' }], client_url: link };
  const write = (details: object) =>
    JSON.stringify({ ...head, payload: { ...payload, custom_details: details }, client: 'Whydrop', ...links });
  const body = write(payload.custom_details);
  return Buffer.byteLength(body) <= MOST_BYTES ? body : write({ left_out: 'the details were too long for one event' });
}

function request({ message, settings, secrets, surroundings }: Outgoing): Request {
  const isOver = message.status === 'resolved';
  const head = {
    routing_key: secrets['routingKey'] ?? '',
    event_action: isOver ? 'resolve' : 'trigger',
    dedup_key: dedupKey(message),
  };
  return {
    url: settings['url'] ?? ENDPOINT,
    headers: { 'content-type': 'application/json', 'user-agent': `Whydrop/${surroundings.version}` },
    body: isOver ? JSON.stringify(head) : triggerOf(message, head, linkOf(message, surroundings.publicUrl)),
  };
}

export const pagerduty: ReceiverKind = {
  kind: 'pagerduty',
  title: 'PagerDuty',
  doc: 'Events API v2: a firing alert triggers an incident, its end resolves the same one. A test triggers one that a person closes.',
  fields: [
    {
      name: 'url',
      description: 'another address of the Events API: `https://events.eu.pagerduty.com/v2/enqueue`',
      secret: false,
      required: false,
      check: checkUrl,
    },
    {
      name: 'routingKey',
      description: 'integration key of the service, 32 characters',
      secret: true,
      required: true,
      check: (value) => (/^[A-Za-z0-9]{32}$/.test(value) ? undefined : 'must be 32 letters and digits'),
    },
  ],
  request,
};
