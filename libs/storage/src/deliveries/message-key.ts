import { randomBytes } from 'node:crypto';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function base32(value: bigint, length: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < length; i++, rest >>= 5n) text = (LETTERS[Number(rest & 31n)] ?? '') + text;
  return text;
}

/** `msg_` and a ULID: 48 bits of milliseconds, 80 of chance. Later ones sort later; it holds no `.`, which signing needs. */
export function messageKey(now = Date.now()): string {
  return `msg_${base32(BigInt(now), 10)}${base32(BigInt(`0x${randomBytes(10).toString('hex')}`), 16)}`;
}
