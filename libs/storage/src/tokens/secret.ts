import { createHash, randomBytes, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * A token is `whd_<id>_<secret>_<checksum>`: 12 characters that name it (not secret), 32 random bytes in hex, and the
 * CRC-32 of everything before it in hex. The fixed head and the checksum let secret scanners find it without false
 * alarms, and let us refuse a mistyped one without asking the database.
 */
export interface TokenText {
  readonly id: string;
  readonly secret: string;
}

const SHAPE = /^(whd_([a-z0-9]{12})_([0-9a-f]{64}))_([0-9a-f]{8})$/;
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

/** Makes a new token; `text` is shown to a person once and never stored. */
export function makeToken(): TokenText & { readonly text: string } {
  const id = Array.from({ length: 12 }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('');
  const secret = randomBytes(32).toString('hex');
  const head = `whd_${id}_${secret}`;
  return { id, secret, text: `${head}_${checksum(head)}` };
}

/** Takes a token apart; undefined when it is none, or mistyped. */
export function parseToken(text: string): TokenText | undefined {
  const match = SHAPE.exec(text);
  if (!match || checksum(match[1] ?? '') !== match[4]) return undefined;
  return { id: match[2] ?? '', secret: match[3] ?? '' };
}

/** What is stored of a secret: it has 256 random bits, so that a plain hash cannot be searched for. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
