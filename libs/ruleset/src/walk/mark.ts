import { ALL_BITS, type MarkBits } from './state.js';

/** Reads `0x10000`, `65536`; undefined when it is no number of 32 bits. */
export function parseBits(text: string): number | undefined {
  if (!/^(0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/.test(text)) return undefined;
  const value = Number(text);
  return value > ALL_BITS ? undefined : value;
}

/** Reads `value/mask`; a missing mask is all bits. */
export function parseMasked(text: string): { readonly value: number; readonly mask: number } | undefined {
  const [first = '', second] = text.split('/');
  const value = parseBits(first);
  const mask = second === undefined ? ALL_BITS : parseBits(second);
  return value === undefined || mask === undefined ? undefined : { value, mask };
}

/** `(mark & ~mask) ^ value`: what --set-xmark, and with it every way of setting a mark, does. */
export function setXmark(mark: MarkBits, value: number, mask: number): MarkBits {
  const known = (mark.known | mask) >>> 0;
  return { value: ((((mark.value & ~mask) ^ value) >>> 0) & known) >>> 0, known };
}

/** `(mark & ~mask) ^ (other & otherMask)`: saving into and restoring from the connection's mark. */
export function combine(mark: MarkBits, mask: number, other: MarkBits, otherMask: number): MarkBits {
  const kept = (mark.known | mask) >>> 0;
  const known = (kept & (other.known | ~otherMask)) >>> 0;
  return { value: (((mark.value & ~mask) ^ (other.value & otherMask)) & known) >>> 0, known };
}

/** Whether `(mark & mask) === value`; undefined when unknown bits decide. */
export function marksEqual(mark: MarkBits, value: number, mask: number): boolean | undefined {
  const seen = (mask & mark.known) >>> 0;
  if ((mark.value & seen) >>> 0 !== (value & seen) >>> 0 || (value & ~mask) >>> 0 !== 0) return false;
  return seen === mask ? true : undefined;
}

/** The mark on the branch where `(mark & mask) === value` holds, or does not (only one unknown bit can tell then). */
export function assumeMark(mark: MarkBits, value: number, mask: number, holds: boolean): MarkBits {
  const open = (mask & ~mark.known) >>> 0;
  if (holds) return { value: (mark.value | (value & open)) >>> 0, known: (mark.known | open) >>> 0 };
  const isOneBit = open !== 0 && (open & (open - 1)) === 0;
  if (!isOneBit) return mark;
  return { value: (mark.value | (~value & open)) >>> 0, known: (mark.known | open) >>> 0 };
}
