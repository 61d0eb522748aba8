import type { Outgoing, ReceiverKind, Request } from '../receiver.js';
import { checkOneOf, checkUrl } from '../settings.js';
import { alertmanagerBody } from './alertmanager-body.js';
import { eventBody } from './event.js';
import { signature, signingKey, splitSecrets } from './sign.js';

function checkSecrets(value: string): string | undefined {
  const secrets = splitSecrets(value);
  if (secrets.length > 2) return 'are more than two: the newest, and the one before while it is changed';
  return secrets.every((secret) => signingKey(secret)) ? undefined : 'must be whsec_ and 24 to 64 bytes in base64';
}

function request(outgoing: Outgoing): Request {
  const { key, now, settings, secrets, surroundings } = outgoing;
  const body = settings['format'] === 'alertmanager' ? alertmanagerBody(outgoing) : eventBody(outgoing);
  const seconds = Math.floor(now / 1000);
  const signed = signature(key, seconds, body, splitSecrets(secrets['secret'] ?? ''));
  const bearer = secrets['bearerToken'];
  return {
    url: settings['url'] ?? '',
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': `Whydrop/${surroundings.version}`,
      'webhook-id': key,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signed,
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
  };
}

export const webhook: ReceiverKind = {
  kind: 'webhook',
  title: 'Webhook',
  doc:
    'A POST of JSON, signed as Standard Webhooks 1.0 has it: check `webhook-signature` with any of its libraries, and pass over a ' +
    '`webhook-id` that you have seen. `format: alertmanager` sends the body of Alertmanager’s webhook, version 4, instead of ours.',
  fields: [
    { name: 'url', description: 'where it is posted', secret: false, required: true, check: checkUrl },
    {
      name: 'format',
      description: '`whydrop` (as if left out) or `alertmanager`',
      secret: false,
      required: false,
      check: checkOneOf('whydrop', 'alertmanager'),
    },
    {
      name: 'secret',
      description: '`whsec_` and 24 to 64 random bytes in base64; two, parted by a space, while it is changed',
      secret: true,
      required: true,
      check: checkSecrets,
    },
    {
      name: 'bearerToken',
      description: 'sent as `Authorization: Bearer …` beside the signature',
      secret: true,
      required: false,
      check: (value) => (/^[\x21-\x7e]+$/.test(value) ? undefined : 'must be printable ASCII without spaces'),
    },
  ],
  request,
};
