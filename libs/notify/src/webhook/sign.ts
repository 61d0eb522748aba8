import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/** The key of a `whsec_…` secret: 24 to 64 bytes; undefined when it is none. */
export function signingKey(secret: string): Buffer | undefined {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : undefined;
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

/** Secrets parted by spaces or commas, the newest first: while one is changed, both sign. */
export function splitSecrets(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

/**
 * `webhook-signature` of Standard Webhooks 1.0: `v1,` and the HMAC-SHA-256 of `<id>.<seconds>.<body>` in base64, once for each
 * secret, parted by spaces.
 */
export function signature(id: string, seconds: number, body: string, secrets: readonly string[]): string {
  const content = `${id}.${seconds}.${body}`;
  return secrets
    .flatMap((secret) => signingKey(secret) ?? [])
    .map((key) => `v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`)
    .join(' ');
}
