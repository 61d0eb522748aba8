import { createHash } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The first 16 characters of base32(SHA-256(text)): how kube-proxy and kube-router name chains and sets. */
export function base32Hash(text: string): string {
  const bits = [...createHash('sha256').update(text).digest()]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  const fives = bits.match(/.{5}/g) ?? [];
  return fives
    .slice(0, 16)
    .map((five) => ALPHABET[Number.parseInt(five, 2)])
    .join('');
}
